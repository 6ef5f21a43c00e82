//! Every run as a dot: a picture that shows what no number does.
//!
//! SVG 1.1, without anything from elsewhere: no script, no font, no style sheet.

use portolan_command::quantity::{real, time};

use super::report::{Compared, Measured, Report};

const WIDTH: f64 = 760.0;
const HEADER: f64 = 64.0;
/// The height of one part, with its title and the numbers below.
const PANEL: f64 = 190.0;
/// Where the axes of a part are: left, right, and from its top: top, bottom.
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 160.0;

/// Blue and orange of the palette of Okabe and Ito, which people who see few colours can tell
/// apart.
const FRONT: &str = "#0072b2";
const UPSTREAM: &str = "#d55e00";

/// The picture.
pub(super) fn draw(report: &Report) -> String {
    let height = HEADER + PANEL * real(count(report.parts.len()));
    let panels = report.parts.iter().enumerate();
    let panels: String = panels
        .map(|(number, part)| panel(part, report.runs, HEADER + PANEL * real(count(number))))
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>portolan bench</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}{panels}</svg>\n",
        header(report)
    )
}

fn header(report: &Report) -> String {
    let line = |y: f64, colour: &str, side: &str, place: &str| {
        format!(
            "{}{}",
            dot(20.0, y - 4.0, colour, side),
            text(30.0, y, "start", &format!("{side}: {place}"))
        )
    };
    let place = |url: &str, image: &str| format!("{url} {image}");
    [
        line(22.0, FRONT, "front", &place(&report.front.url, &report.front.image)),
        line(42.0, UPSTREAM, "upstream", &place(&report.upstream.url, &report.upstream.image)),
    ]
    .concat()
}

/// One part: time upwards from zero, runs to the right, a dashed line for each median.
fn panel(part: &Compared, runs: u32, top: f64) -> String {
    let sides = [(&part.front, FRONT, "front"), (&part.upstream, UPSTREAM, "upstream")];
    let scale = Scale { runs, greatest: greatest(part), top };
    let drawn = sides.map(|(measured, colour, side)| {
        format!("{}{}", dots(measured, &scale, colour, side), median(measured, &scale, colour))
    });
    [text(LEFT, top + 18.0, "start", &part.title), axes(&scale), drawn.concat()].concat()
}

/// From times and rounds to places in the picture.
struct Scale {
    runs: u32,
    /// The longest time that is shown, in seconds, above zero.
    greatest: f64,
    top: f64,
}

impl Scale {
    fn x(&self, round: u32) -> f64 {
        LEFT + (RIGHT - LEFT) * f64::from(round) / (f64::from(self.runs) + 1.0)
    }

    fn y(&self, seconds: f64) -> f64 {
        self.top + BOTTOM - (BOTTOM - TOP) * seconds / self.greatest
    }
}

fn greatest(part: &Compared) -> f64 {
    let maximum = |measured: &Measured| measured.seconds.map_or(0.0, |seconds| seconds.maximum);
    let greatest = maximum(&part.front).max(maximum(&part.upstream)) * 1.05;
    if greatest > 0.0 { greatest } else { 1.0 }
}

fn axes(scale: &Scale) -> String {
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| {
        let seconds = share * scale.greatest;
        let (y, label) =
            (scale.y(seconds), if share > 0.0 { time(seconds) } else { "0".to_owned() });
        let line = line((LEFT, y), (RIGHT, y), "stroke=\"#dddddd\"");
        format!("{line}{}", text(LEFT - 8.0, y + 4.0, "end", &label))
    });
    let first = text(scale.x(1), scale.top + BOTTOM + 16.0, "middle", "run 1");
    let last =
        text(scale.x(scale.runs), scale.top + BOTTOM + 16.0, "middle", &scale.runs.to_string());
    format!("{}{first}{}", ticks.concat(), if scale.runs > 1 { last } else { String::new() })
}

/// A dot for each run; a cross on the axis for each that failed.
fn dots(measured: &Measured, scale: &Scale, colour: &str, side: &str) -> String {
    let marks = measured.runs.iter().map(|run| match run.seconds {
        Some(seconds) => {
            let title = format!("{side}, run {}: {}", run.round, time(seconds));
            dot(scale.x(run.round), scale.y(seconds), colour, &title)
        }
        None => cross(
            scale.x(run.round),
            scale.y(0.0),
            colour,
            &format!("{side}, run {}: failed", run.round),
        ),
    });
    marks.collect()
}

fn median(measured: &Measured, scale: &Scale, colour: &str) -> String {
    measured.seconds.map_or_else(String::new, |seconds| {
        let y = scale.y(seconds.median);
        line((LEFT, y), (RIGHT, y), &format!("stroke=\"{colour}\" stroke-dasharray=\"5 4\""))
    })
}

fn dot(x: f64, y: f64, colour: &str, title: &str) -> String {
    let title = escape(title);
    format!(
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\" fill-opacity=\"0.7\"><title>{title}</title></circle>\n"
    )
}

fn cross(x: f64, y: f64, colour: &str, title: &str) -> String {
    let title = escape(title);
    let (left, right, top, bottom) = (x - 4.0, x + 4.0, y - 4.0, y + 4.0);
    format!(
        "<path d=\"M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}\" \
         stroke=\"{colour}\" stroke-width=\"2\"><title>{title}</title></path>\n"
    )
}

fn line((x1, y1): (f64, f64), (x2, y2): (f64, f64), style: &str) -> String {
    format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>\n")
}

fn text(x: f64, y: f64, anchor: &str, content: &str) -> String {
    let content = escape(content);
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>\n")
}

/// As character data of XML (XML 1.0 section 2.4).
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn every_run_is_drawn() {
        let drawn = draw(&report());
        // Two of the legend, and five runs that succeeded.
        assert_eq!(drawn.matches("<circle").count(), 2 + 5);
        assert_eq!(drawn.matches("<path").count(), 1, "the run that failed");
        assert_eq!(drawn.matches("stroke-dasharray").count(), 2, "two medians of one part");
        assert_eq!(drawn.matches("<title>").count(), 1 + 7 + 1);
        assert!(drawn.contains("<title>upstream, run 3: 900 ms</title>"), "{drawn}");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }

    #[test]
    fn slower_is_higher_and_zero_is_the_axis() {
        let scale = Scale { runs: 3, greatest: 2.0, top: 100.0 };
        assert!((scale.y(0.0) - 260.0).abs() < 1e-9);
        assert!((scale.y(2.0) - 130.0).abs() < 1e-9);
        assert!(scale.x(1) > LEFT && scale.x(3) < RIGHT);
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}
