use crate::{DeliverySettings, OnUncertain, TableReader};

const ON_UNCERTAIN: [(&str, OnUncertain); 2] =
    [("resend", OnUncertain::Resend), ("skip", OnUncertain::Skip)];

pub(super) fn read_delivery(reader: &mut TableReader<'_>) -> DeliverySettings {
    DeliverySettings {
        on_uncertain: reader
            .choice("on_uncertain", "What to do with a message when it cannot be found out whether it was sent. resend: perhaps twice, never lost; skip: perhaps lost, never twice.", &ON_UNCERTAIN)
            .default("resend"),
    }
}
