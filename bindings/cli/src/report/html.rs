//! Markup that cannot be broken by what it shows.

use kazasu::text::one_line;

/// Text for markup: escaped, and without characters that XML forbids or that are not seen.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The beginning of a text, for places with little room.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A table. The first cell of a row is its heading; the others are numbers where `numbers` says so.
pub(super) struct Table {
    html: String,
}

impl Table {
    /// Caption and headings are texts.
    pub(super) fn new(caption: &str, headings: &[&str]) -> Self {
        let cells: String = headings.iter().map(|text| heading(text)).collect();
        let caption = escape(caption);
        Self { html: format!("<table><caption>{caption}</caption><thead><tr>{cells}</tr></thead><tbody>\n") }
    }

    /// A row of texts; `class` is for the style.
    pub(super) fn row(&mut self, class: &str, heading: &str, cells: &[String]) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let one = if heading.chars().count() <= SHORT_HEADING { " class=\"one\"" } else { "" };
        let cells: String = cells.iter().map(|text| cell(text)).collect();
        self.html.push_str(&format!("<tr{class}><th scope=\"row\"{one}>{}</th>{cells}</tr>\n", escape(heading)));
    }

    /// A row that names the group below it.
    pub(super) fn group(&mut self, heading: &str, columns: usize) {
        let heading = escape(heading);
        let row = format!("<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{columns}\">{heading}</th></tr>\n");
        self.html.push_str(&row);
    }

    pub(super) fn end(self) -> String {
        self.html + "</tbody></table>\n"
    }
}

fn heading(text: &str) -> String {
    let class = if text.chars().count() <= SHORT_CELL { " class=\"one\"" } else { "" };
    format!("<th scope=\"col\"{class}>{}</th>", escape(text))
}

/// Numbers, dates and other short texts stay on one line.
fn cell(text: &str) -> String {
    let class = if text.chars().count() <= SHORT_CELL { " class=\"one\"" } else { "" };
    format!("<td{class}>{}</td>", escape(text))
}

/// Characters that fit beside another column on a small phone.
const SHORT_CELL: usize = 12;
const SHORT_HEADING: usize = 4;

/// A picture with its title and description; `body` is markup.
pub(super) fn svg(id: &str, (width, height): (f64, f64), title: &str, description: &str, body: &str) -> String {
    let (title, description) = (escape(title), escape(description));
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}</desc>\n{body}</svg>\n"
    )
}

/// Text at a place of a picture.
pub(super) fn text_at(class: &str, x: f64, y: f64, text: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n", escape(text))
}

/// A straight line of a picture.
pub(super) fn line_at(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_text_holds_becomes_markup() {
        assert_eq!(escape("<script>\"a\"&'b'</script>"), "&lt;script&gt;&quot;a&quot;&amp;&#39;b&#39;&lt;/script&gt;");
        assert_eq!(escape("a\u{0}\u{1b}\u{202e}\u{200b}\u{fffe}b\nc\u{2028}d"), "ab c d");
        assert_eq!(short("見本花子", 2), "見本…");
        assert_eq!(short("見本", 2), "見本");
    }
}
