use openclaw_protocol::openai::StopTexts;
use openclaw_storage::rows::Sampling;
use serde_json::Number;

use super::error::Refused;

/// The most texts that end an answer, as at OpenAI.
const MOST_STOPS: usize = 4;

/// How the model chooses its next word.
///
/// # Errors
/// For values that no provider takes.
pub(super) fn sampling(
    temperature: Option<Number>,
    top_p: Option<Number>,
    stop: Option<StopTexts>,
) -> Result<Sampling, Refused> {
    let stop = match stop {
        None => Vec::new(),
        Some(StopTexts::One(text)) => vec![text],
        Some(StopTexts::Several(texts)) => texts,
    };
    if stop.len() > MOST_STOPS || stop.iter().any(String::is_empty) {
        return Err(Refused::bad("must be one to four texts, none of them empty", "stop"));
    }
    Ok(Sampling {
        temperature: within(temperature, 2.0, "temperature")?,
        top_p: within(top_p, 1.0, "top_p")?,
        stop,
    })
}

fn within(number: Option<Number>, most: f64, param: &str) -> Result<Option<Number>, Refused> {
    let is_within =
        |number: &Number| number.as_f64().is_some_and(|number| (0.0..=most).contains(&number));
    match number {
        Some(number) if !is_within(&number) => {
            Err(Refused::bad(format!("must be from 0 to {most}"), param))
        }
        number => Ok(number),
    }
}
