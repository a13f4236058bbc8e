// Reads the arguments of calls, a line of JSON each, and answers each with a line of JSON.
#include "harness.hpp"

#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

namespace rrtf_harness {

namespace {

struct Refused { const char *why; };

template <class T> T *grown(T *data, std::size_t count) {
    T *made = static_cast<T *>(std::realloc(static_cast<void *>(data), count * sizeof(T)));
    if (made == nullptr) std::abort();
    return made;
}

class Parser {
public:
    explicit Parser(const char *text) : at_(text) {}

    Json value() {
        Json made = Json();
        made.kind = 'n';
        switch (*at_) {
            case '"': word(made); return made;
            case '[': list(made); return made;
            case '{': tagged(made); return made;
            case 't': at_ += 4; made.kind = 'b'; made.truth = true; return made;
            case 'f': at_ += 5; made.kind = 'b'; return made;
            case 'n': at_ += 4; return made;
        }
        number(made);
        return made;
    }

private:
    const char *at_;

    void list(Json &made) {
        made.kind = 'l';
        std::size_t room = 0;
        for (++at_; *at_ != ']';) {
            if (made.count == room) made.items = grown(made.items, room = room * 2 + 4);
            made.items[made.count++] = value();
            if (*at_ == ',') ++at_;
        }
        ++at_;
    }

    void tagged(Json &made) {
        ++at_;
        Json tag = Json();
        word(tag);
        ++at_;
        made = value();
        ++at_;
        if (std::strcmp(tag.text, "$float") == 0) { made.kind = 'r'; made.real = std::strtod(made.text, nullptr); }
        std::free(const_cast<char *>(tag.text));
    }

    void number(Json &made) {
        std::size_t length = std::strspn(at_, "+-.0123456789eE");
        std::string digits(at_, length);
        at_ += length;
        made.kind = digits.find_first_of(".eE") == std::string::npos ? 'i' : 'r';
        made.real = std::strtod(digits.c_str(), nullptr);
        made.whole = std::strtoll(digits.c_str(), nullptr, 10);
        made.large = std::strtoull(digits.c_str(), nullptr, 10);
    }

    static void add(std::string &made, unsigned code) {
        if (code < 0x80) { made += char(code); return; }
        if (code < 0x800) { made += char(0xC0 | code >> 6); }
        else if (code < 0x10000) { made += char(0xE0 | code >> 12); made += char(0x80 | (code >> 6 & 63)); }
        else { made += char(0xF0 | code >> 18); made += char(0x80 | (code >> 12 & 63)); made += char(0x80 | (code >> 6 & 63)); }
        made += char(0x80 | (code & 63));
    }

    unsigned unit() {
        unsigned code = std::strtoul(std::string(at_ + 1, 4).c_str(), nullptr, 16);
        at_ += 5;
        return code;
    }

    void word(Json &given) {
        std::string made;
        for (++at_; *at_ != '"';) {
            if (*at_ != '\\') { made += *at_++; continue; }
            char what = *++at_;
            if (what == 'u') {
                unsigned code = unit();
                if (code >= 0xD800 && code < 0xDC00 && *at_ == '\\') {
                    ++at_;
                    code = 0x10000 + ((code - 0xD800) << 10) + (unit() - 0xDC00);
                }
                add(made, code);
                continue;
            }
            static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
            const char *found = std::strchr(names, what);
            made += found == nullptr ? what : meant[found - names];
            ++at_;
        }
        ++at_;
        char *text = grown<char>(nullptr, made.size() + 1);
        std::memcpy(text, made.c_str(), made.size() + 1);
        given.kind = 't';
        given.text = text;
        given.length = made.size();
    }
};

void release(const Json &given) {
    for (std::size_t at = 0; at < given.count; ++at) release(given.items[at]);
    std::free(given.items);
    std::free(const_cast<char *>(given.text));
}

bool read_line(std::string &line) {
    line.clear();
    for (int one; (one = std::getc(stdin)) != EOF;) {
        if (one == '\n') return true;
        line += char(one);
    }
    return !line.empty();
}

void write_all(int to, const Out &out) {
    for (std::size_t done = 0; done < out.length;) {
        ssize_t count = ::write(to, out.data + done, out.length - done);
        if (count <= 0) std::_Exit(70);
        done += std::size_t(count);
    }
}

}  // namespace

void refuse(const char *why) { throw Refused{why}; }

std::size_t items(const Json &given) {
    if (given.kind != 'l') refuse();
    return given.count;
}

void Out::add(const char *text) { add(text, std::strlen(text)); }

void Out::add(const char *text, std::size_t size) {
    if (length + size > room) data = grown(data, room = (length + size) * 2);
    std::memcpy(data + length, text, size);
    length += size;
}

void Out::text(const char *text, std::size_t size) {
    add("\"");
    for (std::size_t at = 0; at < size; ++at) {
        unsigned char one = text[at];
        if (one < 0x20 || one == '"' || one == '\\') {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", unsigned(one));
            add(escaped);
        } else add(text + at, 1);
    }
    add("\"");
}

void Out::whole(long long value) {
    char text[32];
    std::snprintf(text, sizeof text, "%lld", value);
    add(text);
}

void Out::natural(unsigned long long value) {
    char text[32];
    std::snprintf(text, sizeof text, "%llu", value);
    add(text);
}

void Out::real(double value) {
    char text[64];
    std::snprintf(text, sizeof text, value - value == 0 ? "%.17g" : "{\"$float\":\"%g\"}", value);
    add(text);
}

void serve(void (*ask)(Out &, const Json &), void (*flush)()) {
    // What a function reads of its standard input is at its end, and what it does with its output
    // concerns no answer.
    int answers = ::dup(1);
    std::string mark, line;
    std::vector<std::string> lines;
    read_line(mark);
    while (read_line(line)) lines.push_back(line);
    Out out = Out();
    for (std::size_t at = 0; at < lines.size(); ++at) {
        Json given = Parser(lines[at].c_str()).value();
        const char *why = nullptr;
        std::string told;
        out.length = 0;
        out.add(mark.c_str());
        out.add("{\"value\":");
        try {
            ask(out, given);
        } catch (const Refused &refused) {
            why = refused.why;
        } catch (const std::exception &error) {
            told = error.what();
            why = told.c_str();
        } catch (...) {
            why = "something was thrown";
        }
        if (why != nullptr) {
            out.length = 0;
            out.add(mark.c_str());
            out.add("{\"raised\":");
            out.text(why, std::strlen(why));
        }
        out.add("}\n");
        release(given);
        flush();
        std::fflush(stdout);
        write_all(answers, out);
    }
    std::_Exit(0);
}

}  // namespace rrtf_harness
