//! Small texts, each for one thing: what runs gives these bits, what is wrong is found.

mod computing;
mod control;
mod device;
mod faults;
mod memory;
mod refused;

use super::launch::{Extent, Options, Order, run};
use super::{Memory, Module, PtxError, parse};

/// What every text starts with.
const HEAD: &str = ".version 6.0\n.target sm_70\n.address_size 64\n";

/// Eight registers of each class.
const REGISTERS: &str = ".reg .pred %p<8>; .reg .b16 %h<8>; .reg .b32 %r<8>; .reg .b64 %rd<8>; \
    .reg .f32 %f<8>; .reg .f64 %fd<8>;\n";

/// A module of one entry `k(a, b)`, with both parameters in `%rd0` and `%rd1`. The body's first line
/// is line 8.
fn kernel(body: &str) -> String {
    kernel_after("", body)
}

/// With declarations, on a line of their own, before it.
fn kernel_after(declarations: &str, body: &str) -> String {
    format!(
        "{HEAD}{declarations}\n.visible .entry k(.param .u64 a, .param .u64 b) .maxntid 256, 1, 1 {{\n\
         {REGISTERS}ld.param.u64 %rd0, [a]; ld.param.u64 %rd1, [b];\n{body}\nret;\n}}\n"
    )
}

fn understood(text: &str) -> Module {
    parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Memory with 64 words of 64 bits that hold 1000, 1001, … and 64 that nobody has written.
struct Bench {
    memory: Memory,
    input: u64,
    output: u64,
}

const BENCH_BYTES: u64 = 512;

impl Bench {
    fn new() -> Bench {
        let mut memory = Memory::new(1 << 20);
        let input = memory.alloc(BENCH_BYTES).expect("room");
        let output = memory.alloc(BENCH_BYTES).expect("room");
        let mut bench = Bench { memory, input, output };
        for word in 0..64 {
            bench.set_input(word, 1000 + word);
        }
        bench
    }

    fn set_input(&mut self, word: u64, bits: u64) {
        self.memory.write(self.input + 8 * word, &bits.to_le_bytes()).expect("inside");
    }

    /// Runs `k(output, input)` with one block of that many threads.
    fn run(&mut self, module: &Module, threads: u32) -> Result<(), PtxError> {
        self.run_in(module, threads, Options::default())
    }

    fn run_in(&mut self, module: &Module, threads: u32, options: Options) -> Result<(), PtxError> {
        let extent = Extent { blocks: 1, block_size: threads };
        let params = [self.output, self.input];
        run(module, "k", extent, &params, &mut self.memory, options).map(|_executed| ())
    }

    fn output(&self, word: u64) -> u64 {
        let mut bytes = [0; 8];
        self.memory.read(self.output + 8 * word, &mut bytes).expect("written");
        u64::from_le_bytes(bytes)
    }

    fn output32(&self, word: u64) -> u32 {
        let mut bytes = [0; 4];
        self.memory.read(self.output + 4 * word, &mut bytes).expect("written");
        u32::from_le_bytes(bytes)
    }
}

/// The first output of one thread of `kernel(body)`.
fn result_of(body: &str) -> u64 {
    let mut bench = Bench::new();
    let text = kernel(body);
    bench.run(&understood(&text), 1).unwrap_or_else(|error| panic!("{error}\n{text}"));
    bench.output(0)
}

/// What is said about a text when that many threads run it, from all orders.
fn fault_of(text: &str, threads: u32) -> PtxError {
    let module = understood(text);
    let orders = [Order::Ascending, Order::Shuffled(1), Order::Shuffled(2)];
    let faults = orders.map(|order| {
        let options = Options { order, thread_budget: 10_000, ..Options::default() };
        let result = Bench::new().run_in(&module, threads, options);
        result.err().unwrap_or_else(|| panic!("no fault was found in\n{text}"))
    });
    let [first, ..] = faults;
    first
}
