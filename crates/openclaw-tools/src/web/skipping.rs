//! Where an element that is not read ends, which its own end tag need not say.

use super::readable::BLOCKS;

/// An element that is not read.
#[derive(Debug)]
pub(super) struct Skipping {
    name: String,
    /// How often elements of its name are open.
    depth: u32,
    /// How many elements are open in it that hold others of its kind.
    inner: u32,
}

/// What an end tag ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// Something within.
    Nothing,
    /// The element itself.
    Itself,
    /// What the element stands in, and so the element.
    Parent,
}

impl Skipping {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), depth: 1, inner: 0 }
    }

    /// Whether it ends without an end tag of its own, where an element of this name begins.
    pub(super) fn ends_before(&self, name: &str) -> bool {
        if self.inner > 0 {
            return false;
        }
        match self.name.as_str() {
            "li" => name == "li",
            "dt" | "dd" => matches!(name, "dt" | "dd"),
            "td" | "th" => matches!(name, "td" | "th" | "tr" | "tbody" | "tfoot"),
            "tr" => matches!(name, "tr" | "tbody" | "tfoot"),
            "p" => BLOCKS.contains(&name) || matches!(name, "li" | "td" | "th" | "pre"),
            _ => false,
        }
    }

    /// An element begins within.
    pub(super) fn open(&mut self, name: &str, is_closed: bool) {
        if self.has_optional_end() {
            self.inner += u32::from(is_container(name));
        } else if self.name == name {
            self.depth += u32::from(!is_closed);
        }
    }

    /// An element ends.
    pub(super) fn close(&mut self, name: &str) -> Closed {
        if self.name == name {
            if self.inner > 0 {
                // One of those in an inner list or table.
                return Closed::Nothing;
            }
            self.depth = self.depth.saturating_sub(1);
            return if self.depth == 0 { Closed::Itself } else { Closed::Nothing };
        }
        if !self.has_optional_end() {
            return Closed::Nothing;
        }
        let ends_parent = is_container(name)
            || (self.name == "p" && BLOCKS.contains(&name))
            || (matches!(self.name.as_str(), "td" | "th") && name == "tr");
        match (ends_parent, self.inner) {
            (false, _) => Closed::Nothing,
            (true, 0) => Closed::Parent,
            (true, _) => {
                self.inner -= u32::from(is_container(name));
                Closed::Nothing
            }
        }
    }

    fn has_optional_end(&self) -> bool {
        matches!(self.name.as_str(), "li" | "dt" | "dd" | "td" | "th" | "tr" | "p")
    }
}

/// Whether it holds items, entries or cells.
fn is_container(name: &str) -> bool {
    matches!(name, "ul" | "ol" | "menu" | "dl" | "table")
}
