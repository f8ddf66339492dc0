use super::styled::{Style, StyledText};

/// Writes the styled text with tags around its spans.
pub(super) fn write(styled: &StyledText) -> String {
    let StyledText { text, spans, .. } = styled;
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    let mut open: Vec<(usize, &Style)> = Vec::new();
    let mut written = 0;
    for span in spans {
        close_until(span.range.start, text, &mut open, &mut written, &mut html);
        escape(&text[written..span.range.start], &mut html);
        written = span.range.start;
        begin(&span.style, &mut html);
        open.push((span.range.end, &span.style));
    }
    close_until(text.len(), text, &mut open, &mut written, &mut html);
    escape(&text[written..], &mut html);
    html
}

fn close_until(
    position: usize,
    text: &str,
    open: &mut Vec<(usize, &Style)>,
    written: &mut usize,
    html: &mut String,
) {
    while let Some((end, style)) = open.pop_if(|(end, _)| *end <= position) {
        escape(&text[*written..end], html);
        *written = end;
        html.push_str(match style {
            Style::Bold => "</b>",
            Style::Italic => "</i>",
            Style::Strike => "</s>",
            Style::Code => "</code>",
            Style::Link(_) => "</a>",
            Style::Pre(Some(_)) => "</code></pre>",
            Style::Pre(None) => "</pre>",
            Style::Quote => "</blockquote>",
        });
    }
}

fn begin(style: &Style, html: &mut String) {
    match style {
        Style::Bold => html.push_str("<b>"),
        Style::Italic => html.push_str("<i>"),
        Style::Strike => html.push_str("<s>"),
        Style::Code => html.push_str("<code>"),
        Style::Link(address) => {
            html.push_str("<a href=\"");
            escape(address, html);
            html.push_str("\">");
        }
        Style::Pre(Some(language)) => {
            html.push_str("<pre><code class=\"language-");
            escape(language, html);
            html.push_str("\">");
        }
        Style::Pre(None) => html.push_str("<pre>"),
        Style::Quote => html.push_str("<blockquote>"),
    }
}

fn escape(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        html.push_str(&rest[..at]);
        html.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        });
        rest = &rest[at + 1..];
    }
    html.push_str(rest);
}
