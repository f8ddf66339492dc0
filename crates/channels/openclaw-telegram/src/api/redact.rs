use openclaw_core::Secret;

/// Takes the token out of texts. It is part of every URL of the API, so it is near every error.
#[derive(Clone)]
pub(crate) struct Redactor {
    needles: Vec<String>,
}

impl Redactor {
    pub(crate) fn new(token: &Secret) -> Self {
        let token = token.expose();
        let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let mut in_path = url::Url::parse("http://localhost/").ok();
        if let Some(mut segments) = in_path.as_mut().and_then(|url| url.path_segments_mut().ok()) {
            segments.push(token);
        }
        let in_path = in_path.map(|url| url.path().trim_start_matches('/').to_owned());
        let mut needles = vec![token.to_owned(), encoded];
        needles.extend(in_path);
        // The part after the colon alone is the secret one.
        needles.extend(token.split_once(':').map(|(_, secret)| secret.to_owned()));
        needles.retain(|needle| !needle.is_empty());
        Self { needles }
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        self.needles.iter().fold(text.to_owned(), |text, needle| text.replace(needle, "***"))
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::Secret;

    use super::Redactor;

    #[test]
    fn takes_the_token_out_however_it_is_written() {
        let redactor = Redactor::new(&Secret::new("12:a b/c"));
        for text in ["bot12:a b/c/x", "12%3Aa+b%2Fc", "/bot12:a%20b%2Fc/getMe", "only a b/c"] {
            let clean = redactor.clean(text);
            assert!(clean.contains("***"), "{text}: {clean}");
        }
    }
}
