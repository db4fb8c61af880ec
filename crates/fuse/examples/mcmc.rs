//! A Metropolis sampler whose likelihood is a prepared formula: 1500 steps on 20 observations.
//!
//! The mean `m` and the deviation `s` of normally distributed data are sampled from their posterior
//! under flat priors of `m` and `log s`. Each step calls the formula with two new scalars and writes into
//! one number; nothing is looked up, compiled or allocated. The posterior of `m` is a shifted and scaled
//! Student t, so that its mean and variance are known: the chain must agree.
//!
//! `cargo run --release -p fuse-formula --example mcmc`

use std::io::Write as _;
use std::time::{Duration, Instant};

use fuse::{DType, Error, Formula, InputType, Prepared, Strength, vars};

/// The log likelihood, up to a constant.
pub(crate) const LIKELIHOOD: &str = "sum(-((x - m)/s)**2/2 - log(s))";

/// Observations.
pub(crate) const N: usize = 20;

/// Standard deviations of the proposals, of `m` and of `log s`.
const STEPS: (f64, f64) = (0.6, 0.35);

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// In (0, 1): the middles of 2^52 equal parts.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        f64::from_bits((z >> 12) | 0x3ff0_0000_0000_0000) - (1.0 - f64::EPSILON / 2.0)
    }

    /// Mean 0, deviation 1 (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// One state of the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    /// Mean.
    pub(crate) m: f64,
    /// Deviation.
    pub(crate) s: f64,
    /// Log likelihood of both.
    pub(crate) likelihood: f64,
}

/// Twenty numbers with mean 3 and deviation 2, about.
pub(crate) fn observations(random: &mut Random) -> [f64; N] {
    std::array::from_fn(|_| 3.0 + 2.0 * random.normal())
}

/// The likelihood, compiled for `N` observations and two scalars.
pub(crate) fn prepare() -> Result<Prepared, Error> {
    let scalar = InputType::scalar(DType::F64, Strength::Strong);
    let formula: Formula = LIKELIHOOD.parse()?;
    formula.prepare(&[
        ("x", InputType::array(DType::F64, &[N])),
        ("m", scalar.clone()),
        ("s", scalar),
    ])
}

/// Fills `chain`; gives the number of accepted proposals.
pub(crate) fn sample(
    likelihood: &Prepared,
    x: &[f64; N],
    random: &mut Random,
    chain: &mut [State],
) -> Result<usize, Error> {
    let (mut m, mut s, mut accepted) = (0.0, 1.0, 0);
    let mut known = 0.0;
    likelihood.evaluate_into(vars! { x, m, s }, &mut known)?;
    for state in chain {
        let next_m = m + STEPS.0 * random.normal();
        let next_s = s * (STEPS.1 * random.normal()).exp();
        let mut next = 0.0;
        likelihood.evaluate_into(vars! { x, m = next_m, s = next_s }, &mut next)?;
        if random.unit().ln() < next - known {
            (m, s, known) = (next_m, next_s, next);
            accepted += 1;
        }
        *state = State { m, s, likelihood: known };
    }
    Ok(accepted)
}

/// The same likelihood as a loop.
pub(crate) fn loop_likelihood(x: &[f64; N], m: f64, s: f64) -> f64 {
    x.iter().map(|x| -((x - m) / s).powi(2) / 2.0 - s.ln()).sum()
}

/// Mean and standard deviation.
pub(crate) fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().map(|_| 1.0).sum::<f64>();
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
}

/// Does every state have the likelihood of a loop, and does the chain have the posterior's moments?
pub(crate) fn check(x: &[f64; N], chain: &[State]) -> Result<(), String> {
    for State { m, s, likelihood } in chain {
        let expected = loop_likelihood(x, *m, *s);
        if (likelihood - expected).abs() > 1e-12 * expected.abs() {
            return Err(format!("m = {m}, s = {s}: {likelihood}, where a loop has {expected}"));
        }
    }
    // Flat in m and log s, m has a Student t of N - 1 degrees of freedom around the data's mean, with
    // scale d/√(N - 1); its variance is (N - 1)/(N - 3) of the scale's square.
    let (centre, deviation) = moments(x.iter().copied());
    let expected = deviation / ((N - 3) as f64).sqrt();
    let (mean, found) = moments(chain.iter().map(|state| state.m));
    if (mean - centre).abs() > expected / 2.0 || !(0.6..1.6).contains(&(found / expected)) {
        return Err(format!("m is {mean} ± {found}, and should be {centre} ± {expected}"));
    }
    Ok(())
}

/// Nanoseconds of one.
fn each(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e9 / count as f64
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    let mut random = Random(20);
    let x = observations(&mut random);
    let start = Instant::now();
    let likelihood = prepare()?;
    writeln!(out, "{LIKELIHOOD}: compiled in {:.0?}", start.elapsed())?;
    let mut chain = vec![State { m: 0.0, s: 0.0, likelihood: 0.0 }; 1500];
    let mut best = Duration::MAX;
    for seed in 1..=20 {
        let start = Instant::now();
        let accepted = sample(&likelihood, &x, &mut Random(seed), &mut chain)?;
        best = best.min(start.elapsed());
        check(&x, &chain)?;
        if seed == 1 {
            writeln!(out, "1500 steps on {N} observations, {accepted} accepted")?;
        }
    }
    let (mean, deviation) = moments(chain.iter().map(|state| state.m));
    writeln!(
        out,
        "m = {mean:.3} ± {deviation:.3}; the data's mean is {:.3}",
        moments(x.iter().copied()).0
    )?;
    let (mean, deviation) = moments(chain.iter().map(|state| state.s));
    writeln!(
        out,
        "s = {mean:.3} ± {deviation:.3}; the data's deviation is {:.3}",
        moments(x.iter().copied()).1
    )?;
    writeln!(out, "{:.0} ns a step, the best of 20 chains", each(best, chain.len()))?;
    writeln!(out, "{:.0} ns of it a likelihood", likelihood_alone(&likelihood, &x)?)?;
    Ok(())
}

/// Nanoseconds of a call, the best of 1000 rounds.
fn likelihood_alone(likelihood: &Prepared, x: &[f64; N]) -> Result<f64, Error> {
    const CALLS: u32 = 100;
    let (mut best, mut out) = (Duration::MAX, 0.0);
    for round in 0..1000 {
        let start = Instant::now();
        for call in 0..CALLS {
            let (m, s) = (f64::from(round % 7), 1.0 + f64::from(call % 5));
            likelihood.evaluate_into(vars! { x, m, s }, &mut out)?;
        }
        best = best.min(start.elapsed());
    }
    Ok(each(best, CALLS as usize))
}
