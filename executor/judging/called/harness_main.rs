
extern crate rrtf_harness;
fn main() { ::rrtf_harness::serve(CALLED_FUNCTION) }
