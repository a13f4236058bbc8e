// What a candidate's function takes and gives, by its types. harness.cpp has the rest, compiled once.
// Nothing of the standard library passes between the two: options of a compiler may lay it out anew.
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace rrtf_harness {

struct Json {
    char kind;  // null, boolean, whole, real, text, list
    bool truth;
    long long whole;
    unsigned long long large;
    double real;
    const char *text;  // or the digits of a number
    std::size_t length;
    Json *items;
    std::size_t count;
};

[[noreturn]] void refuse(const char *why = "an argument does not fit");
std::size_t items(const Json &given);

struct Out {
    char *data;
    std::size_t length, room;
    void add(const char *text);
    void add(const char *text, std::size_t length);
    void text(const char *text, std::size_t length);
    void whole(long long value);
    void natural(unsigned long long value);
    void real(double value);
};

[[noreturn]] void serve(void (*ask)(Out &, const Json &), void (*flush)());

template <class T, class = void> struct As;

template <> struct As<bool> {
    static bool of(const Json &given) { if (given.kind != 'b') refuse(); return given.truth; }
};
template <> struct As<char> {
    static char of(const Json &given) {
        if (given.kind == 't' && given.length == 1) return given.text[0];
        if (given.kind != 'i') refuse();
        return char(given.whole);
    }
};
template <class T> struct As<T, typename std::enable_if<std::is_integral<T>::value>::type> {
    static T of(const Json &given) {
        if (given.kind == 't' && given.length == 1) return T(given.text[0]);
        if (given.kind != 'i') refuse();
        return std::is_signed<T>::value ? T(given.whole) : T(given.whole < 0 ? given.whole : given.large);
    }
};
template <class T> struct As<T, typename std::enable_if<std::is_floating_point<T>::value>::type> {
    static T of(const Json &given) { if (given.kind != 'r' && given.kind != 'i') refuse(); return T(given.real); }
};
template <> struct As<std::string> {
    static std::string of(const Json &given) { if (given.kind != 't') refuse(); return std::string(given.text, given.length); }
};
template <> struct As<const char *> {
    static const char *of(const Json &given) { return (new std::string(As<std::string>::of(given)))->c_str(); }
};
template <> struct As<char *> {
    static char *of(const Json &given) { return &(*new std::string(As<std::string>::of(given)))[0]; }
};
template <class T> T sequence(const Json &given) {
    T made;
    for (std::size_t at = 0, count = items(given); at < count; ++at)
        made.insert(made.end(), As<typename T::value_type>::of(given.items[at]));
    return made;
}
template <class T, class... R> struct As<std::vector<T, R...>> {
    static std::vector<T, R...> of(const Json &given) { return sequence<std::vector<T, R...>>(given); }
};
template <class A, class B> struct As<std::pair<A, B>> {
    static std::pair<A, B> of(const Json &given) {
        if (items(given) != 2) refuse();
        return {As<A>::of(given.items[0]), As<B>::of(given.items[1])};
    }
};
template <class T> T mapping(const Json &given) {
    T made;
    for (std::size_t at = 0, count = items(given); at < count; ++at)
        made.insert(As<std::pair<typename T::key_type, typename T::mapped_type>>::of(given.items[at]));
    return made;
}
template <std::size_t... I> struct Numbers {};
template <std::size_t N, std::size_t... I> struct Counted : Counted<N - 1, N - 1, I...> {};
template <std::size_t... I> struct Counted<0, I...> { typedef Numbers<I...> numbers; };
template <class... T> struct As<std::tuple<T...>> {
    template <std::size_t... I> static std::tuple<T...> each(const Json &given, Numbers<I...>) {
        return std::tuple<T...>(As<T>::of(given.items[I])...);
    }
    static std::tuple<T...> of(const Json &given) {
        if (items(given) != sizeof...(T)) refuse();
        return each(given, typename Counted<sizeof...(T)>::numbers());
    }
};

template <class T, class = void> struct Tell;
template <class T> void tell(Out &out, const T &value) { Tell<T>::to(out, value); }

template <> struct Tell<bool> {
    static void to(Out &out, bool value) { out.add(value ? "true" : "false"); }
};
template <> struct Tell<char> {
    static void to(Out &out, char value) { out.text(&value, 1); }
};
template <class T> struct Tell<T, typename std::enable_if<std::is_integral<T>::value>::type> {
    static_assert(sizeof(T) <= sizeof(long long), "no number is longer");
    static void to(Out &out, T value) { std::is_signed<T>::value ? out.whole(value) : out.natural(value); }
};
template <class T> struct Tell<T, typename std::enable_if<std::is_floating_point<T>::value>::type> {
    static void to(Out &out, T value) { out.real(double(value)); }
};
template <> struct Tell<std::string> {
    static void to(Out &out, const std::string &value) { out.text(value.data(), value.size()); }
};
template <> struct Tell<const char *> {
    static void to(Out &out, const char *value) { if (value) out.text(value, std::char_traits<char>::length(value)); else out.add("null"); }
};
template <> struct Tell<char *> : Tell<const char *> {};
template <class T> void tell_items(Out &out, const T &values) {
    out.add("[");
    bool is_next = false;
    for (auto at = values.begin(); at != values.end(); ++at) {
        if (is_next) out.add(",");
        is_next = true;
        tell(out, static_cast<const typename T::value_type &>(*at));
    }
    out.add("]");
}
template <class T> struct TellList { static void to(Out &out, const T &value) { tell_items(out, value); } };
template <class T> struct TellTagged {
    static void tagged(Out &out, const char *tag, const T &value) {
        out.add("{\"$"); out.add(tag); out.add("\":"); tell_items(out, value); out.add("}");
    }
};
template <class T> struct TellSet { static void to(Out &out, const T &value) { TellTagged<T>::tagged(out, "set", value); } };
template <class T> struct TellMap { static void to(Out &out, const T &value) { TellTagged<T>::tagged(out, "dict", value); } };
template <class... R> struct Tell<std::vector<R...>> : TellList<std::vector<R...>> {};
template <class A, class B> struct Tell<std::pair<A, B>> {
    static void to(Out &out, const std::pair<A, B> &value) {
        out.add("["); tell<typename std::decay<A>::type>(out, value.first); out.add(",");
        tell<B>(out, value.second); out.add("]");
    }
};
template <class... T> struct Tell<std::tuple<T...>> {
    template <std::size_t... I> static void each(Out &out, const std::tuple<T...> &value, Numbers<I...>) {
        int done[] = {0, (out.add(I ? "," : ""), tell<T>(out, std::get<I>(value)), 0)...};
        (void)done;
    }
    static void to(Out &out, const std::tuple<T...> &value) {
        out.add("["); each(out, value, typename Counted<sizeof...(T)>::numbers()); out.add("]");
    }
};

#ifdef _GLIBCXX_LIST
template <class T, class... R> struct As<std::list<T, R...>> {
    static std::list<T, R...> of(const Json &given) { return sequence<std::list<T, R...>>(given); }
};
template <class... R> struct Tell<std::list<R...>> : TellList<std::list<R...>> {};
#endif
#ifdef _GLIBCXX_DEQUE
template <class T, class... R> struct As<std::deque<T, R...>> {
    static std::deque<T, R...> of(const Json &given) { return sequence<std::deque<T, R...>>(given); }
};
template <class... R> struct Tell<std::deque<R...>> : TellList<std::deque<R...>> {};
#endif
#ifdef _GLIBCXX_ARRAY
template <class T, std::size_t N> struct As<std::array<T, N>> {
    static std::array<T, N> of(const Json &given) {
        std::array<T, N> made;
        if (items(given) != N) refuse();
        for (std::size_t at = 0; at < N; ++at) made[at] = As<T>::of(given.items[at]);
        return made;
    }
};
template <class T, std::size_t N> struct Tell<std::array<T, N>> : TellList<std::array<T, N>> {};
#endif
#ifdef _GLIBCXX_SET
template <class T, class... R> struct As<std::set<T, R...>> {
    static std::set<T, R...> of(const Json &given) { return sequence<std::set<T, R...>>(given); }
};
template <class... R> struct Tell<std::set<R...>> : TellSet<std::set<R...>> {};
#endif
#ifdef _GLIBCXX_UNORDERED_SET
template <class T, class... R> struct As<std::unordered_set<T, R...>> {
    static std::unordered_set<T, R...> of(const Json &given) { return sequence<std::unordered_set<T, R...>>(given); }
};
template <class... R> struct Tell<std::unordered_set<R...>> : TellSet<std::unordered_set<R...>> {};
#endif
#ifdef _GLIBCXX_MAP
template <class K, class V, class... R> struct As<std::map<K, V, R...>> {
    static std::map<K, V, R...> of(const Json &given) { return mapping<std::map<K, V, R...>>(given); }
};
template <class... R> struct Tell<std::map<R...>> : TellMap<std::map<R...>> {};
#endif
#ifdef _GLIBCXX_UNORDERED_MAP
template <class K, class V, class... R> struct As<std::unordered_map<K, V, R...>> {
    static std::unordered_map<K, V, R...> of(const Json &given) { return mapping<std::unordered_map<K, V, R...>>(given); }
};
template <class... R> struct Tell<std::unordered_map<R...>> : TellMap<std::unordered_map<R...>> {};
#endif
#if defined(_GLIBCXX_OPTIONAL) && __cplusplus >= 201703L
template <class T> struct As<std::optional<T>> {
    static std::optional<T> of(const Json &given) {
        return given.kind == 'n' ? std::optional<T>() : std::optional<T>(As<T>::of(given));
    }
};
template <class T> struct Tell<std::optional<T>> {
    static void to(Out &out, const std::optional<T> &value) { if (value) tell(out, *value); else out.add("null"); }
};
#endif
#if defined(_GLIBCXX_STRING_VIEW) && __cplusplus >= 201703L
template <> struct As<std::string_view> {
    static std::string_view of(const Json &given) { return *new std::string(As<std::string>::of(given)); }
};
template <> struct Tell<std::string_view> {
    static void to(Out &out, std::string_view value) { out.text(value.data(), value.size()); }
};
#endif

template <class R> struct Answer {
    template <class F> static void of(Out &out, F call) { tell<typename std::decay<R>::type>(out, call()); }
};
template <> struct Answer<void> {
    template <class F> static void of(Out &out, F call) { call(); out.add("null"); }
};

template <class R, class... A> struct Caller {
    template <class F, std::size_t... I> static void each(Out &out, F &function, const Json &given, Numbers<I...>) {
        std::tuple<typename std::decay<A>::type...> held(As<typename std::decay<A>::type>::of(given.items[I])...);
        (void)held;
        Answer<R>::of(out, [&]() -> R { return function(static_cast<A &&>(std::get<I>(held))...); });
    }
    template <class F> static void call(Out &out, F function, const Json &given) {
        if (items(given) != sizeof...(A)) refuse("it takes another number of arguments");
        each(out, function, given, typename Counted<sizeof...(A)>::numbers());
    }
};

template <class R, class... A> void ask(Out &out, R (*function)(A...), const Json &given) {
    Caller<R, A...>::call(out, function, given);
}
template <class C, class R, class... A> void ask(Out &out, R (C::*method)(A...), const Json &given) {
    C object;
    auto bound = [&](A... values) -> R { return (object.*method)(static_cast<A &&>(values)...); };
    Caller<R, A...>::call(out, bound, given);
}
template <class C, class R, class... A> void ask(Out &out, R (C::*method)(A...) const, const Json &given) {
    C object;
    auto bound = [&](A... values) -> R { return (object.*method)(static_cast<A &&>(values)...); };
    Caller<R, A...>::call(out, bound, given);
}

}  // namespace rrtf_harness
