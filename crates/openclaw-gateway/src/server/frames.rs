/// Follows the frames in the bytes of a WebSocket, without their payloads: how long each says it is,
/// before any of it is read or room is made for it, and whether a message is complete.
#[derive(Debug, Default)]
pub(super) struct FrameMeter {
    head: [u8; 14],
    have: usize,
    /// Payload of the present frame that is still to come.
    left: u64,
    /// Payload of the present message: all frames so far and the present one as declared.
    message: u64,
    /// The present frame is the last of its message.
    is_last: bool,
    is_control: bool,
    frames: u64,
    messages: u64,
}

/// A message longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

impl FrameMeter {
    /// Follows the next bytes; messages may have `limit` bytes.
    pub(super) fn follow(&mut self, mut bytes: &[u8], limit: u64) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let some = self.left.min(bytes.len() as u64);
                self.left -= some;
                bytes = &bytes[usize::try_from(some).unwrap_or(bytes.len())..];
            } else {
                self.head[self.have] = bytes[0];
                self.have += 1;
                bytes = &bytes[1..];
                if self.have < self.head_length() {
                    continue;
                }
                self.begin_frame(limit)?;
            }
            if self.left == 0 && self.have == 0 {
                self.end_frame();
            }
        }
        Ok(())
    }

    /// Payload of the present message as far as it is declared; 0 between messages.
    pub(super) fn message(&self) -> u64 {
        self.message
    }

    /// Whether everything that was followed is complete messages.
    pub(super) fn is_between_messages(&self) -> bool {
        self.have == 0 && self.left == 0 && self.message == 0
    }

    /// Messages that were complete, control frames included: as many as a socket hands out.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Frames begun, control frames included.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    fn head_length(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + mask
    }

    fn begin_frame(&mut self, limit: u64) -> Result<(), TooLong> {
        let length = match self.head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([self.head[2], self.head[3]])),
            127 => {
                let mut long = [0; 8];
                long.copy_from_slice(&self.head[2..10]);
                u64::from_be_bytes(long)
            }
            short => u64::from(short),
        };
        self.is_control = self.head[0] & 0x08 != 0;
        self.have = 0;
        self.left = length;
        self.frames += 1;
        // A control frame may stand between the frames of a message, which goes on after it.
        if !self.is_control {
            self.message = self.message.saturating_add(length);
            self.is_last = self.head[0] & 0x80 != 0;
        }
        if self.message > limit || length > limit { Err(TooLong) } else { Ok(()) }
    }

    fn end_frame(&mut self) {
        if self.is_control {
            self.messages += 1;
        } else if self.is_last {
            self.messages += 1;
            self.message = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameMeter, TooLong};
    use proptest::prelude::*;

    const TEXT: u8 = 1;
    const MORE: u8 = 0;
    const PING: u8 = 9;

    fn frame(opcode: u8, is_last: bool, payload: usize) -> Vec<u8> {
        let mut bytes = vec![opcode | if is_last { 0x80 } else { 0 }];
        match payload {
            0..=125 => bytes.push(0x80 | payload as u8),
            126..=65_535 => {
                bytes.push(0x80 | 126);
                bytes.extend((payload as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((payload as u64).to_be_bytes());
            }
        }
        bytes.extend([1, 2, 3, 4]);
        bytes.extend(std::iter::repeat_n(0x81, payload));
        bytes
    }

    #[test]
    fn a_declared_length_is_judged_before_its_payload() {
        let mut meter = FrameMeter::default();
        let gigabyte = &frame(TEXT, true, 70_000)[..2];
        let mut head = gigabyte.to_vec();
        head.extend((1_u64 << 30).to_be_bytes());
        assert_eq!(meter.follow(&head, 1 << 20), Ok(()));
        assert_eq!(meter.follow(&[0; 4], 1 << 20), Err(TooLong));
    }

    #[test]
    fn fragments_add_up() {
        let mut meter = FrameMeter::default();
        assert_eq!(meter.follow(&frame(TEXT, false, 60), 100), Ok(()));
        assert_eq!(meter.follow(&frame(PING, true, 10), 100), Ok(()));
        assert_eq!(meter.message(), 60);
        assert!(!meter.is_between_messages());
        assert_eq!(meter.follow(&frame(MORE, true, 40), 100), Ok(()));
        assert!(meter.is_between_messages());
        assert_eq!(meter.follow(&frame(TEXT, false, 60), 100), Ok(()));
        assert_eq!(meter.follow(&frame(MORE, true, 41), 100), Err(TooLong));
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            messages in prop::collection::vec(
                prop::collection::vec((0_usize..70_000, any::<bool>()), 1..4), 1..4),
            cut in 1_usize..5_000,
        ) {
            let mut bytes = Vec::new();
            let (mut frames, mut pings) = (0, 0);
            for fragments in &messages {
                for (index, (payload, ping_before)) in fragments.iter().enumerate() {
                    if *ping_before {
                        bytes.extend(frame(PING, true, payload % 126));
                        frames += 1;
                        pings += 1;
                    }
                    let opcode = if index == 0 { TEXT } else { MORE };
                    bytes.extend(frame(opcode, index + 1 == fragments.len(), *payload));
                    frames += 1;
                }
            }
            let mut meter = FrameMeter::default();
            for piece in bytes.chunks(cut) {
                prop_assert_eq!(meter.follow(piece, 1 << 20), Ok(()));
            }
            prop_assert!(meter.is_between_messages());
            prop_assert_eq!(meter.frames(), frames);
            prop_assert_eq!(meter.messages(), messages.len() as u64 + pings);
            let mut whole = FrameMeter::default();
            prop_assert_eq!(whole.follow(&bytes, 1 << 20), Ok(()));
            prop_assert!(whole.is_between_messages());
        }
    }
}
