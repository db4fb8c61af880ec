//! Whole pictures: texts as users see them, and what holds of every picture.

use fuse::{Array, F16};

use super::*;

const PLAIN: Canvas =
    Canvas { width: 60, height: 14, glyphs: Glyphs::Braille, paint: Paint::Plain };

fn vector(values: impl IntoIterator<Item = f64>) -> Array {
    let values: Vec<f64> = values.into_iter().collect();
    Array::from_slice(&values, &[values.len()]).unwrap()
}

fn series<'a>(label: &str, values: &'a Array) -> Series<'a> {
    Series { label: label.to_string(), values }
}

fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn message(result: Result<Figure<'_>, Failure>) -> String {
    match result {
        Err(Failure::Usage(message) | Failure::Run(message)) => message,
        Err(other) => format!("{other:?}"),
        Ok(_) => "a figure".to_string(),
    }
}

/// The dots of a picture of one curve, from the top left: whether each is set.
fn dots(picture: &str) -> Vec<Vec<bool>> {
    let rows = picture.lines().filter_map(|line| line.split_once(['│', '┤']));
    let mut dots = Vec::new();
    for (_, cells) in rows {
        let patterns: Vec<u32> =
            cells.chars().map(|c| if c == ' ' { 0 } else { u32::from(c) - 0x2800 }).collect();
        for bits in [[0, 3], [1, 4], [2, 5], [6, 7]] {
            let row = patterns.iter().flat_map(|p| bits.map(|bit| p >> bit & 1 == 1));
            dots.push(row.collect());
        }
    }
    dots
}

/// Every finite point has its dot, whatever else is in its column.
#[test]
fn every_finite_point_is_drawn() {
    let mut random = random(7);
    for n in [1, 2, 3, 10, 100, 1000, 50_000] {
        let steps: Vec<f64> =
            (0..n).map(|_| random().powi(8) * if random() < 0.5 { 1.0 } else { -1.0 }).collect();
        let holes: Vec<f64> =
            steps.iter().enumerate().map(|(k, y)| if k % 7 == 3 { f64::NAN } else { *y }).collect();
        for values in [steps, holes] {
            let array = vector(values.iter().copied());
            let figure = Figure::lines(vec![series("y", &array)], None).unwrap();
            let dots = dots(&figure.terminal(&PLAIN));
            let (height, width) = (dots.len(), 2 * cells_of(&figure));
            let (low, high) = range(&values);
            for (index, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
                let place = |at: f64, low: f64, high: f64, n: usize| {
                    let part = if low < high { (at - low) / (high - low) } else { 0.5 };
                    ((part * n as f64) as usize).min(n - 1)
                };
                let column = place(index as f64, 0.0, (n - 1) as f64, width);
                let row = height - 1 - place(*value, low, high, height);
                // The division may differ in its last bit.
                let near = [row.saturating_sub(1), row, (row + 1).min(height - 1)];
                let columns = [column.saturating_sub(1), column];
                let is_set = near.iter().any(|row| {
                    columns.iter().any(|column| dots[*row].get(*column).copied().unwrap_or(false))
                });
                assert!(is_set, "point {index} of {n}: {value}\n{}", figure.terminal(&PLAIN));
            }
        }
    }
}

/// Cells of the picture's axis.
fn cells_of(figure: &Figure<'_>) -> usize {
    let picture = figure.terminal(&PLAIN);
    let axis = picture.lines().find_map(|line| line.split_once('└')).unwrap();
    axis.1.chars().count()
}

fn range(values: &[f64]) -> (f64, f64) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

/// A peak of one point among a million shows, in both forms.
#[test]
fn no_peak_is_lost() {
    let n = 1_000_000;
    let mut values = vec![0.0; n];
    values[123_457] = 1.0;
    let array = vector(values);
    let figure = Figure::lines(vec![series("y", &array)], None).unwrap();
    let dots = dots(&figure.terminal(&PLAIN));
    assert_eq!(dots[0].iter().filter(|dot| **dot).count(), 1, "{}", figure.terminal(&PLAIN));
    let svg = figure.svg(800, 500);
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
    let heights = points(&svg).into_iter().map(|(_, y)| y);
    assert!((heights.fold(f64::INFINITY, f64::min) - svg_y(1.0, 0.0, 1.0)).abs() < 0.06);
}

/// The points of the first curve of an SVG.
fn points(svg: &str) -> Vec<(f64, f64)> {
    let document = first_curve(svg);
    let path = document.split_once(" d=\"").unwrap().1.split_once('"').unwrap().0;
    let numbers = path.split(['M', 'L']).filter(|pair| !pair.is_empty());
    numbers
        .map(|pair| {
            let (x, y) = pair.trim_end_matches("h0").split_once(' ').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        })
        .collect()
}

/// The first curve's element.
fn first_curve(svg: &str) -> &str {
    svg.split_once("<path class=\"curve\"").unwrap().1
}

/// Where a value stands in a picture of 800 by 500 pixels without a title or a legend: 14 pixels are above the
/// area, 3 lines of 18 and 10 pixels below; 4 % of the range on either side.
fn svg_y(value: f64, low: f64, high: f64) -> f64 {
    let (top, height) = (14.0, 500.0 - 14.0 - 3.0 * 18.0 - 10.0);
    let pad = (high - low) * 0.04;
    top + (1.0 - (value - low + pad) / (high - low + 2.0 * pad)) * height
}

#[test]
fn points_of_an_svg_are_where_they_belong() {
    let values = [1.0, -2.0, 3.5, f64::NAN, 0.25];
    let array = vector(values);
    let figure = Figure::lines(vec![series("y", &array)], None).unwrap();
    let svg = figure.svg(800, 500);
    let found = points(&svg);
    // Labels of the vertical axis are two characters of 7 pixels, and 16; 20 are on the right.
    let (left, width) = (2.0 * 7.0 + 16.0, 800.0 - 2.0 * 7.0 - 16.0 - 20.0);
    let finite = values.iter().enumerate().filter(|(_, value)| value.is_finite());
    let expected: Vec<(f64, f64)> =
        finite.map(|(k, y)| (left + width * k as f64 / 4.0, svg_y(*y, -2.0, 3.5))).collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let distance = (found.0 - expected.0).hypot(found.1 - expected.1);
        assert!(distance < 0.1, "{found:?}, not {expected:?}\n{svg}");
    }
}

/// Tags are balanced, attributes quoted, nothing unescaped: as much of XML as these files use.
fn check_xml(text: &str) {
    let mut open = Vec::new();
    for part in text.split('<').skip(1) {
        let (tag, content) = part.split_once('>').unwrap_or_else(|| panic!("no end: {part}"));
        assert!(!content.contains('>'), "{content}");
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;"];
        for (at, _) in part.match_indices('&') {
            assert!(entities.iter().any(|it| part[at..].starts_with(it)), "{part}");
        }
        assert!(part.chars().all(|c| c == '\n' || !c.is_control()), "{part:?}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn svgs_are_xml_whatever_the_text() {
    let [a, b] = [vector([1.0, f64::INFINITY, 2.0]), vector([f64::NAN, 0.0, 1.0])];
    let hostile = "<script>&\"'\u{1b}[2J\u{202e}\n</text>";
    let figure = Figure::lines(vec![series(hostile, &a), series(hostile, &b)], None).unwrap();
    let figure = figure.titled(hostile);
    check_xml(&figure.svg(800, 500));
    let picture = figure.terminal(&PLAIN);
    assert!(!picture.contains(['\u{1b}', '\u{202e}']), "{picture}");
    check_xml(&Figure::histogram(vec![series(hostile, &a)]).unwrap().svg(200, 60));
    let matrix = Array::from_slice(&[1.0, f64::NAN, 2.0, 3.0], &[2, 2]).unwrap();
    check_xml(&Figure::image(series(hostile, &matrix)).unwrap().titled(hostile).svg(300, 200));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let [none, nan] = [vector([]), vector([f64::NAN, f64::INFINITY])];
    let nothing = "there is nothing to draw: no finite element in `y`";
    let empty = "there is nothing to draw: `y` has no elements";
    assert_eq!(message(Figure::of(vec![series("y", &none)], None)), empty);
    assert_eq!(message(Figure::histogram(vec![series("y", &none)])), empty);
    assert_eq!(message(Figure::of(vec![series("y", &nan)], None)), nothing);
    assert_eq!(message(Figure::histogram(vec![series("y", &nan)])), nothing);
    let scalar = Array::from_slice(&[2.5], &[]).unwrap();
    let found = message(Figure::of(vec![series("y", &scalar)], None));
    assert_eq!(
        found,
        "`y` is one number, 2.5: a line is drawn of a vector, and an image of one matrix"
    );
    let cube = Array::zeroed(fuse::DType::F64, &[2, 2, 2]).unwrap();
    assert!(message(Figure::of(vec![series("y", &cube)], None)).contains("has shape (2, 2, 2)"));
    let complex = Array::zeroed(fuse::DType::C64, &[2]).unwrap();
    assert!(message(Figure::of(vec![series("y", &complex)], None)).contains("abs("));
    let texts = Array::from_texts(&["a"], &[1]).unwrap();
    assert!(message(Figure::of(vec![series("y", &texts)], None)).contains("is text"));
    let [one, two] = [vector([1.0]), vector([1.0, 2.0])];
    let found = message(Figure::lines(vec![series("y", &two)], Some(series("x", &one))));
    assert_eq!(found, "`y` has 2 elements, and `x` has 1 element");
}

/// Every size and every odd array gives a picture that fits.
#[test]
fn pictures_fit_their_canvas() {
    let arrays = [
        vector([1.0]),
        vector([0.0; 5]),
        vector([f64::MAX, f64::MIN, 0.0]),
        vector([5e-324, 0.0]),
        vector([f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY, 2.0]),
        vector([1e9, 1e9 + 1e-6]),
        Array::from_slice(&[true, false], &[2]).unwrap(),
        Array::from_slice(&[i64::MIN, i64::MAX], &[2]).unwrap(),
        Array::from_slice(&[F16::from_f32(0.5), F16(1)], &[2]).unwrap(),
    ];
    for array in &arrays {
        let figures = [
            Figure::lines(vec![series("y", array)], None).unwrap(),
            Figure::lines(vec![series("y", array), series("z", array)], Some(series("x", array)))
                .unwrap(),
            Figure::histogram(vec![series("y", array)]).unwrap(),
        ];
        for figure in figures.map(|figure| figure.titled("title")) {
            for (width, height) in [(40, 12), (60, 14), (200, 50)] {
                for glyphs in [Glyphs::Braille, Glyphs::Ascii] {
                    let canvas = Canvas { width, height, glyphs, paint: Paint::Plain };
                    let picture = figure.terminal(&canvas);
                    assert!(picture.lines().count() <= height, "{height}:\n{picture}");
                    let widest = picture.lines().map(|line| line.chars().count()).max().unwrap();
                    assert!(widest <= width, "{widest} of {width}:\n{picture}");
                    assert!(glyphs == Glyphs::Braille || picture.is_ascii(), "{picture}");
                }
            }
            check_xml(&figure.svg(800, 500));
        }
    }
}

/// Pictures as they are committed in `tests/plots`; `FUSE_BLESS=1` writes them again.
#[test]
fn pictures_are_as_committed() {
    let cubic = vector((-40..=40).map(|k| f64::from(k) / 20.0).map(|x| x * x * x - 2.0 * x));
    let square = vector((-40..=40).map(|k| f64::from(k * k) / 400.0 - 2.0));
    let x = vector((-40..=40).map(|k| f64::from(k) / 20.0));
    let odd = vector([0.0, 1.0, f64::NAN, 3.0, 2.0, f64::INFINITY, 1.0, f64::NEG_INFINITY, 4.0]);
    let sums: Vec<i32> = (0..4000).map(|k| k % 10 + k % 100 / 10 + k % 1000 / 100).collect();
    let sums = Array::from_slice(&sums, &[sums.len()]).unwrap();
    let matrix = Array::from_slice(&[0.0, 1.0, 2.0, 3.0, f64::NAN, 5.0], &[2, 3]).unwrap();
    let over = |label, values| Figure::lines(vec![series(label, values)], Some(series("x", &x)));
    let two = vec![series("cubic", &cubic), series("square", &square)];
    let color = Canvas { paint: Paint::Indexed, ..PLAIN };
    let ascii = Canvas { glyphs: Glyphs::Ascii, ..PLAIN };
    for (name, figure, canvas) in [
        ("line", over("cubic", &cubic).unwrap().titled("cubic"), PLAIN),
        ("ascii", over("cubic", &cubic).unwrap(), ascii),
        ("two", Figure::lines(two.clone(), None).unwrap(), PLAIN),
        ("two-color", Figure::lines(two, None).unwrap(), color),
        ("gaps", Figure::lines(vec![series("odd", &odd)], None).unwrap(), PLAIN),
        ("histogram", Figure::histogram(vec![series("sums", &sums)]).unwrap(), PLAIN),
        ("image", Figure::image(series("m", &matrix)).unwrap(), PLAIN),
        ("image-color", Figure::image(series("m", &matrix)).unwrap(), color),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plots");
        let file = folder.join(format!("{name}.txt"));
        let picture = figure.terminal(&canvas).replace('\u{1b}', "ESC");
        if std::env::var_os("FUSE_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &picture).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap();
        assert_eq!(picture, committed, "{name}\n{picture}");
    }
}
