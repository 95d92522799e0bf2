//! Axes of charts: round steps, short labels, and never a number that is none.

/// A range of values on a stretch of the picture.
pub(super) struct Axis {
    min: f64,
    max: f64,
    step: f64,
    /// Where `min` and `max` are drawn.
    from: f64,
    to: f64,
}

impl Axis {
    /// Round numbers around these values, drawn from `from` (the least) to `to`. Values that are none are left out.
    pub(super) fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.abs() <= LARGEST) {
            (min, max) = (min.min(value), max.max(value));
        }
        if min > max {
            (min, max) = (0.0, 1.0);
        }
        if max - min <= min.abs().max(max.abs()) * 1e-9 {
            let room = (min.abs() * 0.1).max(1.0);
            (min, max) = (min - if min == 0.0 { 0.0 } else { room }, max + room);
        }
        let step = round_step((max - min) / 4.0);
        Self { min: (min / step).floor() * step, max: (max / step).ceil() * step, step, from, to }
    }

    /// Where a value is drawn; one beyond the ends is drawn at the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let part = ((value - self.min) / (self.max - self.min)).clamp(0.0, 1.0);
        let part = if part.is_nan() { 0.0 } else { part };
        self.from + (self.to - self.from) * part
    }

    /// The round numbers, the least first: three to eight.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let count = ((self.max - self.min) / self.step).round().clamp(1.0, 12.0);
        let mut ticks = Vec::new();
        let mut number = 0.0;
        while number <= count {
            // Adding 0.0 turns −0 into 0.
            ticks.push(self.min + self.step * number + 0.0);
            number += 1.0;
        }
        ticks
    }

    /// A measured value's label, with as many decimals as the step needs.
    pub(super) fn number(&self, value: f64) -> String {
        if value.abs() >= 1e6 {
            return format!("{value:.1e}").replace(".0e", "e").replace('-', "−");
        }
        let decimals = if self.step >= 1.0 { 0 } else { (-self.step.log10()).ceil().clamp(0.0, 6.0) as usize };
        let text = format!("{value:.decimals$}");
        if text.trim_matches(['-', '0', '.']).is_empty() { "0".to_owned() } else { text.replace('-', "−") }
    }

    /// An amount's label, in the largest unit that leaves short numbers.
    pub(super) fn amount(&self, value: f64, japanese: bool) -> String {
        let largest = self.min.abs().max(self.max.abs());
        let units: &[(f64, &str)] = if japanese {
            &[(1e16, "京"), (1e12, "兆"), (1e8, "億"), (1e4, "万")]
        } else {
            &[(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")]
        };
        // A step below a tenth of the unit would need more than a decimal; nobody writes 0.5万.
        let least = |unit: f64| if japanese && unit <= 1e4 { unit } else { unit / 10.0 };
        let fits = |unit: &f64| largest >= *unit && self.step >= least(*unit);
        let Some((unit, name)) = units.iter().find(|(unit, _)| fits(unit)) else {
            return super::words::grouped(value.round() as i128);
        };
        let unit_value = if *name == "k" { 1e3 } else { *unit };
        let scaled = value / unit_value;
        let text = if (scaled - scaled.round()).abs() < 0.01 { format!("{scaled:.0}") } else { format!("{scaled:.1}") };
        if text.trim_start_matches('-') == "0" { "0".to_owned() } else { format!("{text}{name}").replace('-', "−") }
    }
}

/// Beyond this, differences are lost or infinite.
const LARGEST: f64 = 1e30;

/// 1, 2 or 5 times a power of ten, at least `about`.
fn round_step(about: f64) -> f64 {
    let power = 10_f64.powf(about.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= about * 0.999_999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(values: &[f64]) -> Axis {
        Axis::around(values.iter().copied(), 200.0, 0.0)
    }

    #[test]
    fn every_axis_has_few_round_ticks_and_places_within_it() {
        let sets: &[&[f64]] = &[
            &[],
            &[0.0],
            &[5.0],
            &[-3.0],
            &[0.0, 0.001],
            &[0.0, 1.0e-9],
            &[0.0, 52_300.0],
            &[-80_000.0, 120_000.0],
            &[f64::NAN, f64::INFINITY, 1.0],
            &[f64::NEG_INFINITY],
            &[0.0, 9.223e18],
            &[-1e300, 1e300],
            &[1e15, 1e15 + 1.0],
            &[128.0, 131.0, 130.0, 140.0],
        ];
        for values in sets {
            let axis = axis(values);
            let ticks = axis.ticks();
            assert!((2..=9).contains(&ticks.len()), "{values:?}: {ticks:?}");
            assert!(ticks.is_sorted() && ticks.iter().all(|tick| tick.is_finite()), "{values:?}: {ticks:?}");
            for value in values.iter().chain(&ticks) {
                assert!((0.0..=200.0).contains(&axis.place(*value)), "{values:?}: {value}");
            }
            for tick in ticks {
                for label in [axis.number(tick), axis.amount(tick, true), axis.amount(tick, false)] {
                    assert!(!label.contains("NaN") && !label.contains("inf"), "{values:?}: {label}");
                    assert!(label.chars().count() <= 8, "{values:?}: {label}");
                }
            }
        }
    }

    #[test]
    fn labels_are_what_people_would_write() {
        let labels = |values: &[f64], japanese| {
            let axis = axis(values);
            axis.ticks().into_iter().map(|tick| axis.amount(tick, japanese)).collect::<Vec<_>>()
        };
        assert_eq!(labels(&[0.0, 48_000.0], true), ["0", "2万", "4万", "6万"]);
        assert_eq!(labels(&[0.0, 7_500.0], true), ["0", "2,000", "4,000", "6,000", "8,000"]);
        assert_eq!(labels(&[0.0, 9_100.0], true), ["0", "5,000", "10,000"]);
        assert_eq!(labels(&[-12_000.0, 30_000.0], true), ["−2万", "0", "2万", "4万"]);
        assert_eq!(labels(&[0.0, 48_000.0], false), ["0", "20k", "40k", "60k"]);
        let pressure = axis(&[128.0, 140.0]);
        assert_eq!(pressure.ticks().into_iter().map(|tick| pressure.number(tick)).collect::<Vec<_>>().len(), 4);
        let sugar = axis(&[5.4, 6.5]);
        assert_eq!(sugar.number(sugar.ticks()[0]), "5.0");
        assert_eq!(pressure.place(pressure.ticks()[0]), 200.0);
    }
}
