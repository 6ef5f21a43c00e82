//! Tables of text.

/// The rows under one another: the first column flush left, all others flush right, two blanks
/// between them. A row may be shorter than the others.
#[must_use]
pub fn lay_out(rows: &[Vec<String>]) -> String {
    let widths = widths(rows);
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// Names and what belongs to them, both columns flush left.
#[must_use]
pub fn list(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> =
        rows.iter().map(|(name, text)| format!("{name:<width$}  {text}\n")).collect();
    lines.concat()
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    (0..columns).map(width).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
        0 => format!("{cell:<width$}"),
        _ => format!("  {cell:>width$}"),
    });
    format!("{}\n", cells.collect::<String>().trim_end())
}

/// Cells of text.
pub fn cells<const COUNT: usize>(texts: [&str; COUNT]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            cells(["", "runs", "median"]),
            cells(["front", "10", "12.3 µs"]),
            cells(["upstream", "9"]),
        ];
        let wanted = "          runs   median\nfront       10  12.3 µs\nupstream     9\n";
        assert_eq!(lay_out(&rows), wanted);
        assert_eq!(lay_out(&[]), "");
        let rows = [("front", "https://a".to_owned()), ("upstream", "b".to_owned())];
        assert_eq!(list(&rows), "front     https://a\nupstream  b\n");
    }
}
