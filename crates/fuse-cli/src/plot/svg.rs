//! Pictures as SVG: one file that stands alone, on light and dark pages.
//!
//! Lines are thinned to four points a pixel column, so that the size of a file depends on that of the
//! picture only. Text is in a middle grey and the ground transparent. All text is escaped.

use std::fmt::Write as _;

use super::figure::{Content, Curves, Figure, Matrix, Shape};
use super::scale::{Range, Tick};
use super::terminal::{indices, note};
use super::trace::{End, Place, Trace, traces};
use super::{image, png};

/// Of curves in turn: told apart on light and dark ground, and by most who see fewer colours (Okabe
/// and Ito, 2008).
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// Grey that reads on white and on black.
const INK: &str = "#808080";

/// Width of a character and height of a line of the text, in pixels: generous.
const CHARACTER: usize = 7;
const LINE: usize = 18;

/// Of the range of a line, above and below it.
const PADDING: f64 = 0.04;

/// The most rows and columns of an image's pixels.
const MOST_PIXELS: usize = 512;

/// Rows and columns below which pixels are repeated.
const FEWEST_PIXELS: usize = 160;

/// Of the colour bar beside an image.
const BAR: usize = 14;

impl Figure<'_> {
    /// The picture as the text of an SVG file of this many pixels.
    pub(crate) fn svg(&self, width: usize, height: usize) -> String {
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" \
             fill=\"{INK}\">\n"
        );
        let size = [width, height];
        match &self.content {
            Content::Curves(curves) => draw_curves(&mut out, curves, self.title.as_deref(), size),
            Content::Image(matrix) => draw_matrix(&mut out, matrix, self.title.as_deref(), size),
        }
        out.push_str("</svg>\n");
        out
    }
}

/// Adds a line.
macro_rules! line {
    ($out:expr, $($format:tt)+) => {
        // Writing to a string cannot fail.
        _ = writeln!($out, $($format)+)
    };
}

/// The rectangle between the axes, in pixels.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn px(n: usize) -> f64 {
    n as f64
}

impl Area {
    /// What is left of a picture with labels of so many characters on the left.
    fn new([width, height]: [usize; 2], margins: Margins) -> Area {
        let left = px(margins.left * CHARACTER + 16);
        let top = px(margins.above * LINE + 14);
        let (right, below) = (px(margins.right + 20), px(margins.below * LINE + 10));
        Area {
            left,
            top,
            width: (px(width) - left - right).max(20.0),
            height: (px(height) - top - below).max(20.0),
        }
    }

    fn x(self, place: f64) -> f64 {
        self.left + place * self.width
    }

    fn y(self, place: f64) -> f64 {
        self.top + (1.0 - place) * self.height
    }

    fn bottom(self) -> f64 {
        self.top + self.height
    }

    fn title(self, out: &mut String, title: Option<&str>) {
        if let Some(title) = title {
            let (x, text) = (self.x(0.5), xml(title));
            line!(
                out,
                "<text x=\"{x:.1}\" y=\"22\" text-anchor=\"middle\" font-size=\"14\">{text}</text>"
            );
        }
    }

    /// Ticks of the horizontal axis: places and labels.
    fn x_ticks(self, out: &mut String, range: Range, ticks: &[Tick]) {
        for Tick { value, label } in ticks {
            let (x, y) = (self.x(range.place(*value)), self.bottom());
            let (end, text) = (y + 4.0, y + 17.0);
            line!(out, "<path d=\"M{x:.1} {y:.1}V{end:.1}\" stroke=\"{INK}\"/>");
            line!(out, "<text x=\"{x:.1}\" y=\"{text:.1}\" text-anchor=\"middle\">{label}</text>");
        }
    }

    fn y_ticks(self, out: &mut String, ticks: &[(f64, String)]) {
        for (place, label) in ticks {
            let (x, y) = (self.left, self.y(*place));
            let (end, text, base) = (x - 4.0, x - 8.0, y + 4.0);
            line!(out, "<path d=\"M{x:.1} {y:.1}H{end:.1}\" stroke=\"{INK}\"/>");
            line!(out, "<text x=\"{text:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{label}</text>");
        }
    }

    fn grid(self, out: &mut String, curves: &Curves<'_>, y: Range, ticks: [&[Tick]; 2]) {
        let mut path = String::new();
        for tick in ticks[0] {
            let x = self.x(curves.x.place(tick.value));
            line!(path, "M{x:.1} {:.1}V{:.1}", self.top, self.bottom());
        }
        for tick in ticks[1] {
            let at = self.y(y.place(tick.value));
            line!(path, "M{:.1} {at:.1}H{:.1}", self.left, self.left + self.width);
        }
        let path = path.trim_end().replace('\n', "");
        line!(out, "<path d=\"{path}\" stroke=\"{INK}\" stroke-opacity=\"0.2\"/>");
    }

    fn frame(self, out: &mut String) {
        let Area { left, top, width, height } = self;
        line!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"none\" stroke=\"{INK}\" stroke-opacity=\"0.6\"/>"
        );
    }

    fn below(self, out: &mut String, line: usize, text: &str) {
        let (x, y, text) = (self.x(0.5), self.bottom() + 19.0 + px(line * LINE), xml(text));
        line!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{text}</text>");
    }
}

/// Around the area: characters on the left, lines above and below, pixels on the right.
#[derive(Clone, Copy, Debug)]
struct Margins {
    left: usize,
    above: usize,
    below: usize,
    right: usize,
}

fn longest(ticks: &[Tick]) -> usize {
    ticks.iter().map(|tick| tick.label.len()).max().unwrap_or(0)
}

fn draw_curves(out: &mut String, curves: &Curves<'_>, title: Option<&str>, size: [usize; 2]) {
    let y = match curves.shape {
        Shape::Line => curves.y.padded(PADDING),
        Shape::Bars => Range { high: curves.y.padded(PADDING).high, ..curves.y },
    };
    let y_ticks = y.ticks(size[1] / 50);
    let x_ticks = curves.x.ticks(size[0] / 90);
    let has_legend = curves.curves.len() > 1;
    let left = longest(&y_ticks);
    let margins = Margins { left, above: usize::from(title.is_some()), below: 2, right: 0 };
    let legend_lines = if has_legend { legend_rows(curves, size[0]).len() } else { 0 };
    // One line more for what is said of NaNs, which are known only when the curves are.
    let area = Area::new(size, Margins { below: 3 + legend_lines, ..margins });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels")]
    let traces = traces(curves, y, area.width as usize);
    area.title(out, title);
    area.grid(out, curves, y, [&x_ticks, &y_ticks]);
    area.frame(out);
    area.x_ticks(out, curves.x, &x_ticks);
    let places = y_ticks.iter().map(|tick| (y.place(tick.value), tick.label.clone()));
    area.y_ticks(out, &places.collect::<Vec<_>>());
    for (index, trace) in traces.iter().enumerate() {
        draw_trace(out, area, trace, COLORS[index % COLORS.len()], curves.shape);
    }
    area.below(out, 1, &curves.x_label);
    if has_legend {
        legend(out, curves, area, size[0]);
    }
    if let Some(note) = note(&traces) {
        area.below(out, 2 + legend_lines, &note);
    }
}

fn draw_trace(out: &mut String, area: Area, trace: &Trace, color: &str, shape: Shape) {
    let mut path = String::new();
    trace.pieces.iter().for_each(|piece| push_piece(&mut path, area, piece));
    let (width, fill) = match shape {
        Shape::Line => ("1.5", "none"),
        Shape::Bars => ("1", color),
    };
    // The round ends make a point of a line without length.
    line!(
        out,
        "<path class=\"curve\" d=\"{path}\" fill=\"{fill}\" fill-opacity=\"0.3\" stroke=\"{color}\" \
         stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
    );
    let points = trace.pieces.iter().filter(|piece| piece.len() == 1);
    let mut dots = String::new();
    points.for_each(|piece| push_piece(&mut dots, area, piece));
    if !dots.is_empty() {
        let few = trace.pieces.len() < 100;
        let width = if few { 5 } else { 2 };
        line!(
            out,
            "<path class=\"points\" d=\"{dots}\" fill=\"none\" stroke=\"{color}\" \
             stroke-width=\"{width}\" stroke-linecap=\"round\"/>"
        );
    }
    let mut marks = String::new();
    for (x, end) in &trace.marks {
        let x = area.x(*x);
        // Writing to a string cannot fail.
        _ = match end {
            End::Upper => write!(marks, "M{x:.1} {:.1}l4 7h-8z", area.top),
            End::Lower => write!(marks, "M{x:.1} {:.1}l4 -7h-8z", area.bottom()),
        };
    }
    if !marks.is_empty() {
        line!(out, "<path class=\"infinite\" d=\"{marks}\" fill=\"{color}\"/>");
    }
}

fn push_piece(path: &mut String, area: Area, piece: &[Place]) {
    for (index, (x, y)) in piece.iter().enumerate() {
        let letter = if index == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        _ = write!(path, "{letter}{:.1} {:.1}", area.x(*x), area.y(*y));
    }
    if piece.len() == 1 {
        path.push_str("h0");
    }
}

/// Curves in rows that fit the width: of each its place in pixels and its index.
fn legend_rows(curves: &Curves<'_>, width: usize) -> Vec<Vec<(usize, usize)>> {
    let (mut rows, mut row, mut x) = (Vec::new(), Vec::new(), 0);
    for (index, curve) in curves.curves.iter().enumerate() {
        let extent = 44 + curve.label.chars().count() * CHARACTER;
        if x > 0 && x + extent > width {
            rows.push(std::mem::take(&mut row));
            x = 0;
        }
        row.push((x, index));
        x += extent;
    }
    rows.push(row);
    rows
}

fn legend(out: &mut String, curves: &Curves<'_>, area: Area, width: usize) {
    for (number, row) in legend_rows(curves, width).iter().enumerate() {
        let y = area.bottom() + 19.0 + px((number + 2) * LINE);
        for (x, index) in row {
            let (x, color) = (px(*x) + area.left, COLORS[index % COLORS.len()]);
            let (end, text, middle) = (x + 20.0, x + 26.0, y - 4.0);
            let label = xml(&curves.curves[*index].label);
            line!(
                out,
                "<path d=\"M{x:.1} {middle:.1}H{end:.1}\" stroke=\"{color}\" stroke-width=\"2\"/>"
            );
            line!(out, "<text x=\"{text:.1}\" y=\"{y:.1}\">{label}</text>");
        }
    }
}

fn draw_matrix(out: &mut String, matrix: &Matrix<'_>, title: Option<&str>, size: [usize; 2]) {
    let [rows, columns] = [matrix.rows, matrix.columns];
    let ranges = [columns, rows].map(|n| Range { low: 0.0, high: px(n) });
    let (x_ticks, y_ticks) = (indices(ranges[0], size[0] / 90), indices(ranges[1], size[1] / 50));
    let bar = matrix.range.widened();
    let bar_ticks = bar.ticks(size[1] / 50);
    let right = BAR + 24 + longest(&bar_ticks) * CHARACTER;
    let above = usize::from(title.is_some());
    let area = Area::new(size, Margins { left: longest(&y_ticks), above, below: 1, right });
    area.title(out, title);
    let [height, width] = [rows.min(MOST_PIXELS), columns.min(MOST_PIXELS)];
    let blocks = image::blocks(matrix, height, width);
    let pixel = |value: &f64| png::pixel(image::place(matrix.range, *value));
    let pixels: Vec<u8> = blocks.iter().map(pixel).collect();
    push_image(out, area, &pixels, width);
    area.frame(out);
    // An index stands at the middle of its element.
    let half = |range: Range| Range { low: range.low - 0.5, high: range.high - 0.5 };
    area.x_ticks(out, half(ranges[0]), &x_ticks);
    let place = |tick: &Tick| (1.0 - half(ranges[1]).place(tick.value), tick.label.clone());
    area.y_ticks(out, &y_ticks.iter().map(place).collect::<Vec<_>>());
    color_bar(out, area, bar, &bar_ticks);
}

/// Pixels over the whole area. Few of them are repeated, since some programs smooth what they enlarge.
fn push_image(out: &mut String, area: Area, pixels: &[u8], n_columns: usize) {
    let repeat = |n: usize| FEWEST_PIXELS.div_ceil(n);
    let n_rows = pixels.len() / n_columns;
    let wide: Vec<u8> =
        pixels.iter().flat_map(|pixel| std::iter::repeat_n(*pixel, repeat(n_columns))).collect();
    let n_wide = n_columns * repeat(n_columns);
    let rows = wide.chunks(n_wide).flat_map(|row| std::iter::repeat_n(row, repeat(n_rows)));
    let png = png::encode(&rows.flatten().copied().collect::<Vec<u8>>(), n_wide);
    let Area { left, top, width, height } = area;
    line!(
        out,
        "<image x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
         href=\"data:image/png;base64,{}\"/>",
        png::base64(&png)
    );
}

/// The colours from the least, below, to the greatest.
fn color_bar(out: &mut String, area: Area, range: Range, ticks: &[Tick]) {
    let left = area.left + area.width + 16.0;
    let bar = Area { left, width: px(BAR), ..area };
    let pixels: Vec<u8> =
        (0..256).rev().map(|step| png::pixel(Some(f64::from(step) / 255.0))).collect();
    push_image(out, bar, &pixels, 1);
    bar.frame(out);
    for Tick { value, label } in ticks {
        let (x, y) = (left + px(BAR), bar.y(range.place(*value)));
        let (end, text, base) = (x + 4.0, x + 8.0, y + 4.0);
        line!(out, "<path d=\"M{x:.1} {y:.1}H{end:.1}\" stroke=\"{INK}\"/>");
        line!(out, "<text x=\"{text:.1}\" y=\"{base:.1}\">{label}</text>");
    }
}

/// Text of an XML document.
fn xml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
