//! fuse against Intel's vector library, function by function: run it through `benches/peers/svml.sh`, which
//! fetches the library.
//!
//! Takes the path of `libsvml.so`; options are those of the script. On processors of another kind there is
//! nothing to compare with.

#![deny(unsafe_code)]
#![expect(clippy::print_stdout, reason = "prints what it measures")]

#[cfg(target_arch = "x86_64")]
mod comparison;
#[cfg(target_arch = "x86_64")]
mod library;

#[cfg(target_arch = "x86_64")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    comparison::main()
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("Intel's vector library is for x86-64");
}
