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
#include "/harness/harness.hpp"

static void rrtf_ask(rrtf_harness::Out &out, const rrtf_harness::Json &given) {
    rrtf_harness::ask(out, &CALLED_FUNCTION, given);
}
static void rrtf_flush() {
#ifdef _GLIBCXX_IOSTREAM
    std::cout.flush();
#endif
}
int main() { rrtf_harness::serve(rrtf_ask, rrtf_flush); }
