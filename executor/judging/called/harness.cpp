#undef main
#undef int
#undef long
#undef char
#undef double
#undef float
#undef bool
#undef string
#undef vector
#undef min
#undef max
#undef endl
#undef first
#undef second
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
// What a program has not included it has no values of; libstdc++ tells by these macros.

namespace rrtf_harness {

struct Json {
    char kind = 'n';  // null, boolean, whole, real, text, list
    bool truth = false;
    long long whole = 0;
    unsigned long long large = 0;
    double real = 0;
    std::string text;
    std::vector<Json> items;
};

struct Refused : std::exception {
    const char *why;
    explicit Refused(const char *told) : why(told) {}
    const char *what() const noexcept override { return why; }
};
[[noreturn]] inline void refuse() { throw Refused("an argument does not fit"); }

class Parser {
public:
    explicit Parser(const std::string &text) : text_(text) {}

    Json value() {
        Json made;
        switch (peek()) {
            case '"': made.kind = 't'; made.text = word(); return made;
            case '[': made.kind = 'l'; made.items = list(); return made;
            case '{': return tagged();
            case 't': at_ += 4; made.kind = 'b'; made.truth = true; return made;
            case 'f': at_ += 5; made.kind = 'b'; return made;
            case 'n': at_ += 4; return made;
        }
        return number();
    }

private:
    const std::string &text_;
    std::size_t at_ = 0;

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    std::vector<Json> list() {
        std::vector<Json> items;
        for (++at_; peek() != ']';) {
            items.push_back(value());
            if (peek() == ',') ++at_;
        }
        ++at_;
        return items;
    }

    Json tagged() {
        ++at_;
        std::string tag = word();
        ++at_;
        Json made = value();
        ++at_;
        if (tag == "$float") { made.kind = 'r'; made.real = std::strtod(made.text.c_str(), nullptr); }
        return made;
    }

    Json number() {
        std::size_t end = at_;
        while (end < text_.size() && std::string("+-.0123456789eE").find(text_[end]) != std::string::npos) ++end;
        std::string digits = text_.substr(at_, end - at_);
        at_ = end;
        Json made;
        bool is_whole = digits.find_first_of(".eE") == std::string::npos;
        made.kind = is_whole ? 'i' : 'r';
        made.real = std::strtod(digits.c_str(), nullptr);
        made.whole = std::strtoll(digits.c_str(), nullptr, 10);
        made.large = std::strtoull(digits.c_str(), nullptr, 10);
        return made;
    }

    void add(std::string &made, unsigned code) {
        if (code < 0x80) { made += char(code); return; }
        if (code < 0x800) { made += char(0xC0 | code >> 6); }
        else if (code < 0x10000) { made += char(0xE0 | code >> 12); made += char(0x80 | (code >> 6 & 63)); }
        else { made += char(0xF0 | code >> 18); made += char(0x80 | (code >> 12 & 63)); made += char(0x80 | (code >> 6 & 63)); }
        made += char(0x80 | (code & 63));
    }

    unsigned unit() {
        unsigned code = std::strtoul(text_.substr(at_ + 1, 4).c_str(), nullptr, 16);
        at_ += 5;
        return code;
    }

    std::string word() {
        std::string made;
        for (++at_; peek() != '"';) {
            if (peek() != '\\') { made += text_[at_++]; continue; }
            char what = text_[++at_];
            if (what == 'u') {
                unsigned code = unit();
                if (code >= 0xD800 && code < 0xDC00 && peek() == '\\') {
                    ++at_;
                    code = 0x10000 + ((code - 0xD800) << 10) + (unit() - 0xDC00);
                }
                add(made, code);
                continue;
            }
            static const std::string names = "bfnrt", meant = "\b\f\n\r\t";
            std::size_t found = names.find(what);
            made += found == std::string::npos ? what : meant[found];
            ++at_;
        }
        ++at_;
        return made;
    }
};

template <class T, class = void> struct As;

template <> struct As<bool> {
    static bool of(const Json &given) { if (given.kind != 'b') refuse(); return given.truth; }
};
template <> struct As<char> {
    static char of(const Json &given) {
        if (given.kind == 't' && given.text.size() == 1) return given.text[0];
        if (given.kind != 'i') refuse();
        return char(given.whole);
    }
};
template <class T> struct As<T, typename std::enable_if<std::is_integral<T>::value>::type> {
    static T of(const Json &given) {
        if (given.kind == 't' && given.text.size() == 1) return T(given.text[0]);
        if (given.kind != 'i') refuse();
        return std::is_signed<T>::value ? T(given.whole) : T(given.whole < 0 ? given.whole : given.large);
    }
};
template <class T> struct As<T, typename std::enable_if<std::is_floating_point<T>::value>::type> {
    static T of(const Json &given) { if (given.kind != 'r' && given.kind != 'i') refuse(); return T(given.real); }
};
template <> struct As<std::string> {
    static std::string of(const Json &given) { if (given.kind != 't') refuse(); return given.text; }
};
template <> struct As<const char *> {
    static const char *of(const Json &given) { return (new std::string(As<std::string>::of(given)))->c_str(); }
};
template <> struct As<char *> {
    static char *of(const Json &given) { return &(*new std::string(As<std::string>::of(given)))[0]; }
};
inline const std::vector<Json> &items(const Json &given) { if (given.kind != 'l') refuse(); return given.items; }
template <class T> T sequence(const Json &given) {
    T made;
    for (const Json &item : items(given)) made.insert(made.end(), As<typename T::value_type>::of(item));
    return made;
}
template <class T, class... R> struct As<std::vector<T, R...>> {
    static std::vector<T, R...> of(const Json &given) { return sequence<std::vector<T, R...>>(given); }
};
template <class A, class B> struct As<std::pair<A, B>> {
    static std::pair<A, B> of(const Json &given) {
        if (items(given).size() != 2) refuse();
        return {As<A>::of(given.items[0]), As<B>::of(given.items[1])};
    }
};
template <class T> T mapping(const Json &given) {
    T made;
    for (const Json &item : items(given))
        made.insert(As<std::pair<typename T::key_type, typename T::mapped_type>>::of(item));
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
        if (items(given).size() != sizeof...(T)) refuse();
        return each(given, typename Counted<sizeof...(T)>::numbers());
    }
};

inline void told(std::string &out, const std::string &text) {
    out += '"';
    for (unsigned char one : text) {
        char escaped[8];
        if (one < 0x20 || one == '"' || one == '\\') {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", unsigned(one));
            out += escaped;
        } else out += char(one);
    }
    out += '"';
}

template <class T, class = void> struct Tell;
template <class T> void tell(std::string &out, const T &value) { Tell<T>::to(out, value); }

template <> struct Tell<bool> {
    static void to(std::string &out, bool value) { out += value ? "true" : "false"; }
};
template <> struct Tell<char> {
    static void to(std::string &out, char value) { told(out, std::string(1, value)); }
};
template <class T> struct Tell<T, typename std::enable_if<std::is_integral<T>::value>::type> {
    static void to(std::string &out, T value) { out += std::to_string(value); }
};
template <class T> struct Tell<T, typename std::enable_if<std::is_floating_point<T>::value>::type> {
    static void to(std::string &out, T value) {
        char text[64];
        std::snprintf(text, sizeof text, value - value == 0 ? "%.17g" : "{\"$float\":\"%g\"}", double(value));
        out += text;
    }
};
template <> struct Tell<std::string> {
    static void to(std::string &out, const std::string &value) { told(out, value); }
};
template <> struct Tell<const char *> {
    static void to(std::string &out, const char *value) { if (value) told(out, value); else out += "null"; }
};
template <> struct Tell<char *> : Tell<const char *> {};
template <class T> void tell_items(std::string &out, const T &values) {
    out += '[';
    bool is_next = false;
    for (auto at = values.begin(); at != values.end(); ++at) {
        if (is_next) out += ',';
        is_next = true;
        tell(out, static_cast<const typename T::value_type &>(*at));
    }
    out += ']';
}
template <class T> struct TellList { static void to(std::string &out, const T &value) { tell_items(out, value); } };
template <class T> struct TellTagged {
    static void tagged(std::string &out, const char *tag, const T &value) {
        out += "{\"$"; out += tag; out += "\":"; tell_items(out, value); out += '}';
    }
};
template <class T> struct TellSet { static void to(std::string &out, const T &value) { TellTagged<T>::tagged(out, "set", value); } };
template <class T> struct TellMap { static void to(std::string &out, const T &value) { TellTagged<T>::tagged(out, "dict", value); } };
template <class... R> struct Tell<std::vector<R...>> : TellList<std::vector<R...>> {};
template <class A, class B> struct Tell<std::pair<A, B>> {
    static void to(std::string &out, const std::pair<A, B> &value) {
        out += '['; tell<typename std::decay<A>::type>(out, value.first); out += ',';
        tell<B>(out, value.second); out += ']';
    }
};
template <class... T> struct Tell<std::tuple<T...>> {
    template <std::size_t... I> static void each(std::string &out, const std::tuple<T...> &value, Numbers<I...>) {
        int done[] = {0, (out += I ? "," : "", tell<T>(out, std::get<I>(value)), 0)...};
        (void)done;
    }
    static void to(std::string &out, const std::tuple<T...> &value) {
        out += '['; each(out, value, typename Counted<sizeof...(T)>::numbers()); out += ']';
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
        if (items(given).size() != N) refuse();
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
    static void to(std::string &out, const std::optional<T> &value) { if (value) tell(out, *value); else out += "null"; }
};
#endif
#if defined(_GLIBCXX_STRING_VIEW) && __cplusplus >= 201703L
template <> struct As<std::string_view> {
    static std::string_view of(const Json &given) { return *new std::string(As<std::string>::of(given)); }
};
template <> struct Tell<std::string_view> {
    static void to(std::string &out, std::string_view value) { told(out, std::string(value)); }
};
#endif

template <class R> struct Answer {
    template <class F> static void of(std::string &out, F call) { tell<typename std::decay<R>::type>(out, call()); }
};
template <> struct Answer<void> {
    template <class F> static void of(std::string &out, F call) { call(); out += "null"; }
};

template <class R, class... A> struct Caller {
    template <class F, std::size_t... I> static void each(std::string &out, F &function, const Json &given, Numbers<I...>) {
        std::tuple<typename std::decay<A>::type...> held(As<typename std::decay<A>::type>::of(given.items[I])...);
        (void)held;
        Answer<R>::of(out, [&]() -> R { return function(static_cast<A &&>(std::get<I>(held))...); });
    }
    template <class F> static void call(std::string &out, F function, const Json &given) {
        if (items(given).size() != sizeof...(A)) throw Refused("it takes another number of arguments");
        each(out, function, given, typename Counted<sizeof...(A)>::numbers());
    }
};

template <class R, class... A> void ask(std::string &out, R (*function)(A...), const Json &given) {
    Caller<R, A...>::call(out, function, given);
}
template <class C, class R, class... A> void ask(std::string &out, R (C::*method)(A...), const Json &given) {
    C object;
    auto bound = [&](A... values) -> R { return (object.*method)(static_cast<A &&>(values)...); };
    Caller<R, A...>::call(out, bound, given);
}
template <class C, class R, class... A> void ask(std::string &out, R (C::*method)(A...) const, const Json &given) {
    C object;
    auto bound = [&](A... values) -> R { return (object.*method)(static_cast<A &&>(values)...); };
    Caller<R, A...>::call(out, bound, given);
}

inline std::string answer(const Json &given) {
    std::string value = "{\"value\":", why = "{\"raised\":";
    try {
        ask(value, &CALLED_FUNCTION, given);
        return value + "}\n";
    } catch (const std::exception &error) {
        told(why, error.what());
    } catch (...) {
        told(why, "something was thrown");
    }
    return why + "}\n";
}

inline bool read_line(std::string &line) {
    line.clear();
    for (int one; (one = std::getc(stdin)) != EOF;) {
        if (one == '\n') return true;
        line += char(one);
    }
    return !line.empty();
}

inline void write_all(const std::string &text) {
    for (std::size_t done = 0; done < text.size();) {
        ssize_t count = ::write(1, text.data() + done, text.size() - done);
        if (count <= 0) std::_Exit(70);
        done += std::size_t(count);
    }
}

}  // namespace rrtf_harness

int main() {
    std::string mark, line;
    rrtf_harness::read_line(mark);
    while (rrtf_harness::read_line(line)) {
        rrtf_harness::Json given = rrtf_harness::Parser(line).value();
        std::string answer = mark + rrtf_harness::answer(given);
#ifdef _GLIBCXX_IOSTREAM
        std::cout.flush();
#endif
        std::fflush(stdout);
        rrtf_harness::write_all(answer);
    }
    std::_Exit(0);
}
