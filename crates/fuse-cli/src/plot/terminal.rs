//! Pictures of characters.
//!
//! ```text
//!               sin(x)                 title
//!   1.0 ┤   ⢀⠤⠒⠒⠤⡀                     a cell has 2 by 4 dots
//!   0.0 ┤⢀⠔⠁      ⠈⠢⡀                  labels of ticks, right-aligned
//!       └┬──────┬──────┬
//!        0      5     10               labels below their ticks
//!                x
//!  ━━ a   ━━ b                         legend, where there are several curves
//! ```
//!
//! Without colours, several curves have a character each instead of dots.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::figure::{Content, Curves, Figure, Matrix, Shape};
use super::image;
use super::scale::{Range, Tick};
use super::trace::{End, Trace, column, traces};

/// Where a picture is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    /// In cells, with all that stands around the picture.
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) glyphs: Glyphs,
    pub(crate) paint: Paint,
}

/// Characters that are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyphs {
    Braille,
    Ascii,
}

/// Colours of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    /// The 256 of most terminals.
    Indexed,
    /// 24 bits each.
    True,
}

/// Of curves in turn: cyan, yellow, magenta, green, blue, red.
const COLORS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// Of curves in turn, without colours.
const MARKERS: [char; 8] = ['*', '+', 'o', 'x', '#', '@', '%', '='];

/// Dots of a cell.
const DOTS: [usize; 2] = [2, 4];

/// Least cells of the picture itself.
const LEAST: [usize; 2] = [8, 2];

/// From dark to light.
const SHADES: &[char] = &['░', '▒', '▓', '█'];
const ASCII_SHADES: &[char] = &['.', ':', '-', '=', '+', '*', '#', '%', '@'];

impl Figure<'_> {
    /// The picture as lines of text, each with a line break.
    pub(crate) fn terminal(&self, canvas: &Canvas) -> String {
        let mut out = String::new();
        match &self.content {
            Content::Curves(curves) => draw_curves(&mut out, curves, self.title.as_deref(), canvas),
            Content::Image(matrix) => draw_matrix(&mut out, matrix, self.title.as_deref(), canvas),
        }
        out
    }
}

/// Lines around the picture, and how many there are of each.
fn draw_curves(out: &mut String, curves: &Curves<'_>, title: Option<&str>, canvas: &Canvas) {
    let legend = legend(curves, canvas);
    let around = usize::from(title.is_some()) + 3 + legend.len();
    // One line more for what is said of NaNs, which are known only when the curves are.
    let rows = canvas.height.saturating_sub(around + 1).max(LEAST[1]);
    let y_ticks = curves.y.ticks((rows / 2).max(2));
    let frame = Frame::new(canvas, &y_ticks);
    let traces = traces(curves, curves.y, frame.width * DOTS[0]);
    let mut grid = Grid::new(frame.width, rows);
    for (index, trace) in traces.iter().enumerate() {
        grid.draw(trace, index);
        if curves.shape == Shape::Bars && curves.curves.len() == 1 {
            grid.fill_below();
        }
    }
    for (index, trace) in traces.iter().enumerate() {
        grid.mark(trace, index);
    }
    frame.title(out, title);
    let style = Style { canvas, n_curves: curves.curves.len() };
    frame.rows(out, rows, &labelled(curves.y, &y_ticks, rows), |out, row| {
        grid.row(out, row, &style)
    });
    let x_ticks = curves.x.ticks((frame.width / 10).max(2));
    frame.bottom(out, &labelled(curves.x, &x_ticks, frame.width));
    frame.centred(out, &curves.x_label);
    legend.iter().for_each(|line| push_line(out, line));
    if let Some(note) = note(&traces) {
        push_line(out, &cut(&note, canvas.width));
    }
}

/// What is said of values that have no place.
pub(super) fn note(traces: &[Trace]) -> Option<String> {
    let n_nan: usize = traces.iter().map(|trace| trace.n_nan).sum();
    let n_infinite: usize = traces.iter().map(|trace| trace.n_infinite).sum();
    let nan = (n_nan > 0).then(|| format!("{n_nan} NaN"));
    let infinite = (n_infinite > 0).then(|| format!("{n_infinite} infinite (at the edge)"));
    let notes: Vec<String> = nan.into_iter().chain(infinite).collect();
    (!notes.is_empty()).then(|| notes.join(", "))
}

/// Ticks as cells and labels: along an axis of so many cells, the lowest first.
fn labelled(range: Range, ticks: &[Tick], n_cells: usize) -> Vec<(usize, String)> {
    let cell = |tick: &Tick| (column(range.place(tick.value), n_cells), tick.label.clone());
    ticks.iter().map(cell).collect()
}

/// One line for each row of the legend.
fn legend(curves: &Curves<'_>, canvas: &Canvas) -> Vec<String> {
    if curves.curves.len() < 2 {
        return Vec::new();
    }
    let style = Style { canvas, n_curves: curves.curves.len() };
    let (mut lines, mut line, mut width) = (Vec::new(), String::new(), 0);
    for (index, curve) in curves.curves.iter().enumerate() {
        let label = cut(&curve.label, canvas.width.saturating_sub(6));
        let label_width = label.width() + 6;
        if width + label_width > canvas.width && width > 0 {
            lines.push(std::mem::take(&mut line));
            width = 0;
        }
        style.push_sample(&mut line, index);
        // Writing to a string cannot fail.
        _ = write!(line, " {label}   ");
        width += label_width;
    }
    lines.push(line);
    lines
}

/// As much of a text as fits into so many cells.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_string();
    }
    let mut short = String::new();
    for character in text.chars() {
        if short.width() + character.width().unwrap_or(0) + 1 > width {
            break;
        }
        short.push(character);
    }
    short + "…"
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// How curves are told apart.
struct Style<'a> {
    canvas: &'a Canvas,
    n_curves: usize,
}

impl Style<'_> {
    fn is_colored(&self) -> bool {
        self.canvas.paint != Paint::Plain
    }

    /// Characters for cells instead of dots.
    fn has_markers(&self) -> bool {
        self.canvas.glyphs == Glyphs::Ascii || (self.n_curves > 1 && !self.is_colored())
    }

    fn push_sample(&self, out: &mut String, index: usize) {
        let sample = if self.has_markers() {
            MARKERS[index % MARKERS.len()].to_string().repeat(2)
        } else {
            "━━".to_string()
        };
        self.push(out, &sample, index);
    }

    /// A text in a curve's colour.
    fn push(&self, out: &mut String, text: &str, index: usize) {
        // Writing to a string cannot fail.
        _ = if self.is_colored() {
            write!(out, "\x1b[{}m{text}\x1b[0m", COLORS[index % COLORS.len()])
        } else {
            write!(out, "{text}")
        };
    }
}

/// The axes around a picture.
struct Frame {
    /// Characters of the labels on the left.
    margin: usize,
    /// Cells of the picture.
    width: usize,
    glyphs: Glyphs,
}

impl Frame {
    fn new(canvas: &Canvas, y_ticks: &[Tick]) -> Frame {
        let margin = y_ticks.iter().map(|tick| tick.label.len()).max().unwrap_or(0) + 1;
        let width = canvas.width.saturating_sub(margin + 2).max(LEAST[0]);
        Frame { margin, width, glyphs: canvas.glyphs }
    }

    fn glyph(&self, line: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Braille => line,
            Glyphs::Ascii => ascii,
        }
    }

    fn title(&self, out: &mut String, title: Option<&str>) {
        if let Some(title) = title {
            self.centred(out, title);
        }
    }

    /// A text above or below the middle of the picture.
    fn centred(&self, out: &mut String, text: &str) {
        let text = cut(text, self.width);
        let left = self.margin + 1 + self.width.saturating_sub(text.width()) / 2;
        push_line(out, &format!("{:left$}{text}", ""));
    }

    /// The rows from top to bottom; labels are by rows from the bottom.
    fn rows(
        &self,
        out: &mut String,
        n_rows: usize,
        labels: &[(usize, String)],
        draw: impl Fn(&mut String, usize),
    ) {
        for row in 0..n_rows {
            let label = labels.iter().find(|(from_below, _)| *from_below == n_rows - 1 - row);
            let (label, axis) = match label {
                Some((_, label)) => (label.as_str(), self.glyph("┤", "+")),
                None => ("", self.glyph("│", "|")),
            };
            let mut line = format!("{label:>margin$} {axis}", margin = self.margin - 1);
            draw(&mut line, row);
            push_line(out, &line);
        }
    }

    /// The horizontal axis and its labels.
    fn bottom(&self, out: &mut String, labels: &[(usize, String)]) {
        let mut axis = format!("{:margin$}{}", "", self.glyph("└", "+"), margin = self.margin);
        for cell in 0..self.width {
            let is_tick = labels.iter().any(|(at, _)| *at == cell);
            axis.push_str(if is_tick { self.glyph("┬", "+") } else { self.glyph("─", "-") });
        }
        push_line(out, &axis);
        let mut line = String::new();
        for (cell, label) in labels {
            let middle = self.margin + 1 + cell;
            let end = self.margin + 1 + self.width;
            let left =
                middle.saturating_sub(label.len() / 2).min((end + 1).saturating_sub(label.len()));
            // A label that would touch the one before it is left out.
            if line.is_empty() || left > line.len() {
                line = format!("{line:<left$}{label}");
            }
        }
        push_line(out, &line);
    }
}

/// Dots, and whose they are.
struct Grid {
    width: usize,
    rows: usize,
    /// Braille patterns of the cells: bits 0 to 7.
    dots: Vec<u8>,
    owners: Vec<usize>,
    marks: Vec<Option<(End, usize)>>,
}

impl Grid {
    fn new(width: usize, rows: usize) -> Grid {
        let n = width * rows;
        Grid { width, rows, dots: vec![0; n], owners: vec![0; n], marks: vec![None; n] }
    }

    /// The lines of a curve.
    fn draw(&mut self, trace: &Trace, owner: usize) {
        for piece in &trace.pieces {
            let mut last = None;
            for place in piece {
                let dot = self.dot(*place);
                self.line(last.unwrap_or(dot), dot, owner);
                last = Some(dot);
            }
        }
    }

    /// Column and row of a place's dot, from the top left.
    fn dot(&self, (x, y): (f64, f64)) -> (usize, usize) {
        let n_rows = self.rows * DOTS[1];
        (column(x, self.width * DOTS[0]), n_rows - 1 - column(y, n_rows))
    }

    /// All dots between two (Bresenham).
    fn line(&mut self, from: (usize, usize), to: (usize, usize), owner: usize) {
        let [(x0, y0), (x1, y1)] = [from, to].map(|(x, y)| (x.cast_signed(), y.cast_signed()));
        let (dx, dy) = ((x1 - x0).abs(), -(y1 - y0).abs());
        let (step_x, step_y) = ((x1 - x0).signum(), (y1 - y0).signum());
        let (mut x, mut y, mut error) = (x0, y0, dx + dy);
        loop {
            self.set(x.cast_unsigned(), y.cast_unsigned(), owner);
            if (x, y) == (x1, y1) {
                return;
            }
            let twice = 2 * error;
            if twice >= dy {
                error += dy;
                x += step_x;
            }
            if twice <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    fn set(&mut self, x: usize, y: usize, owner: usize) {
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let cell = y / DOTS[1] * self.width + x / DOTS[0];
        self.dots[cell] |= BITS[y % DOTS[1]][x % DOTS[0]];
        self.owners[cell] = owner;
    }

    fn is_set(&self, x: usize, y: usize) -> bool {
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let cell = y / DOTS[1] * self.width + x / DOTS[0];
        self.dots[cell] & BITS[y % DOTS[1]][x % DOTS[0]] != 0
    }

    /// Bars: from the highest dot of each column down.
    fn fill_below(&mut self) {
        let n_rows = self.rows * DOTS[1];
        for x in 0..self.width * DOTS[0] {
            if let Some(top) = (0..n_rows).find(|y| self.is_set(x, *y)) {
                (top..n_rows).for_each(|y| self.set(x, y, 0));
            }
        }
    }

    /// Infinite values.
    fn mark(&mut self, trace: &Trace, owner: usize) {
        for (x, end) in &trace.marks {
            let row = match end {
                End::Upper => 0,
                End::Lower => self.rows - 1,
            };
            self.marks[row * self.width + column(*x, self.width)] = Some((*end, owner));
        }
    }

    fn row(&self, out: &mut String, row: usize, style: &Style<'_>) {
        for cell in row * self.width..(row + 1) * self.width {
            let (dots, mut owner) = (self.dots[cell], self.owners[cell]);
            let glyph = match (self.marks[cell], style.canvas.glyphs) {
                (Some((end, marked)), glyphs) => {
                    owner = marked;
                    match (end, glyphs) {
                        (End::Upper, Glyphs::Braille) => '▲',
                        (End::Lower, Glyphs::Braille) => '▼',
                        (End::Upper, Glyphs::Ascii) => '^',
                        (End::Lower, Glyphs::Ascii) => 'v',
                    }
                }
                (None, _) if dots == 0 => ' ',
                (None, _) if style.has_markers() => MARKERS[owner % MARKERS.len()],
                (None, _) => char::from_u32(0x2800 + u32::from(dots)).unwrap_or('?'),
            };
            if glyph == ' ' {
                out.push(' ');
            } else {
                style.push(out, glyph.encode_utf8(&mut [0; 4]), owner);
            }
        }
    }
}

/// A matrix: half blocks in colour, or shades.
fn draw_matrix(out: &mut String, matrix: &Matrix<'_>, title: Option<&str>, canvas: &Canvas) {
    let around = usize::from(title.is_some()) + 3;
    let n_rows = canvas.height.saturating_sub(around).max(LEAST[1]);
    let rows = Range { low: 0.0, high: to_f64(matrix.rows) };
    let y_ticks = indices(rows, (n_rows / 3).max(2));
    let frame = Frame::new(canvas, &y_ticks);
    let halves = if canvas.paint == Paint::Plain { 1 } else { 2 };
    let blocks = image::blocks(matrix, n_rows * halves, frame.width);
    frame.title(out, title);
    let labels: Vec<(usize, String)> = labelled(rows, &y_ticks, n_rows)
        .into_iter()
        .map(|(from_above, label)| (n_rows - 1 - from_above, label))
        .collect();
    frame.rows(out, n_rows, &labels, |out, row| {
        for cell in 0..frame.width {
            let at = |half: usize| blocks[(row * halves + half) * frame.width + cell];
            push_block(out, at(0), at(halves - 1), matrix.range, canvas);
        }
    });
    let columns = Range { low: 0.0, high: to_f64(matrix.columns) };
    frame
        .bottom(out, &labelled(columns, &indices(columns, (frame.width / 10).max(2)), frame.width));
    push_line(out, &color_bar(matrix.range, canvas));
}

/// Ticks at whole numbers that are indices.
pub(super) fn indices(range: Range, most: usize) -> Vec<Tick> {
    let is_index = |tick: &Tick| tick.value.fract() == 0.0 && tick.value < range.high;
    let mut ticks: Vec<Tick> = range.ticks(most).into_iter().filter(is_index).collect();
    for tick in &mut ticks {
        if let Some((whole, _)) = tick.label.split_once('.')
            && !tick.label.contains('e')
        {
            tick.label = whole.to_string();
        }
    }
    ticks
}

#[expect(clippy::cast_precision_loss, reason = "2^53 elements fit no memory")]
fn to_f64(n: usize) -> f64 {
    n as f64
}

fn push_block(out: &mut String, upper: f64, lower: f64, range: Range, canvas: &Canvas) {
    let paint = |value: f64, layer: u8| {
        let [r, g, b] = image::color(range, value)?;
        Some(match canvas.paint {
            Paint::True => format!("\x1b[{layer}8;2;{r};{g};{b}m"),
            Paint::Indexed | Paint::Plain => {
                format!("\x1b[{layer}8;5;{}m", image::indexed([r, g, b]))
            }
        })
    };
    if canvas.paint == Paint::Plain {
        return out.push(shade(upper, range, canvas.glyphs));
    }
    let block = match (paint(upper, 3), paint(lower, 4)) {
        (Some(fore), Some(back)) => format!("{fore}{back}▀\x1b[0m"),
        (Some(fore), None) => format!("{fore}▀\x1b[0m"),
        (None, Some(_)) => {
            let fore = paint(lower, 3).unwrap_or_default();
            format!("{fore}▄\x1b[0m")
        }
        (None, None) => " ".to_string(),
    };
    out.push_str(&block);
}

fn shade(value: f64, range: Range, glyphs: Glyphs) -> char {
    let shades = match glyphs {
        Glyphs::Braille => SHADES,
        Glyphs::Ascii => ASCII_SHADES,
    };
    match image::place(range, value) {
        Some(place) => shades[column(place, shades.len())],
        None => ' ',
    }
}

/// The colours from the least to the greatest, which stand beside them.
fn color_bar(range: Range, canvas: &Canvas) -> String {
    let cells = 24.min(canvas.width / 2);
    let mut line = format!("{:?} ", short(range.low));
    for cell in 0..cells {
        let value = range.low
            + (range.high / 2.0 - range.low / 2.0) * 2.0 * to_f64(cell) / to_f64(cells - 1);
        push_block(&mut line, value, value, range, canvas);
    }
    // Writing to a string cannot fail.
    _ = write!(line, " {:?}", short(range.high));
    line
}

/// Rounded to the digits that a picture has.
fn short(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}
