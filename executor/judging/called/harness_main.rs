
fn main() { ::rrtf_harness::serve(CALLED_FUNCTION) }
