use openclaw_errors::OpenClawError;
use openclaw_protocol::Scope;
use openclaw_storage::StorageError;

/// Why something cannot be done with a device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such request; it may have expired.
    #[error("no device waits for approval as request {0:?}")]
    NoRequest(String),
    /// No such device.
    #[error("no device {0:?}")]
    NoDevice(String),
    /// The device is not approved.
    #[error("device {0} is not approved")]
    NotApproved(String),
    /// The caller lacks what would be granted.
    #[error("the caller lacks {0}, which would be granted")]
    Lacks(Scope),
    /// The device may do what the caller may not.
    #[error("the device has {0}, which the caller lacks")]
    MayMore(Scope),
    /// The device was approved for less.
    #[error("the device was not approved for {0}")]
    NotApprovedFor(Scope),
    /// Another gateway kept changing it.
    #[error("the device kept changing meanwhile")]
    Contended,
    /// A stored device cannot be read.
    #[error("device {0} is stored in a form that cannot be read")]
    Unreadable(String, #[source] serde_json::Error),
    /// The store failed.
    #[error("devices cannot be read or written")]
    Storage(#[from] StorageError),
}

impl From<DeviceError> for OpenClawError {
    fn from(error: DeviceError) -> Self {
        use openclaw_errors::ErrorKind;
        let text = error.to_string();
        match error {
            DeviceError::NoRequest(_) | DeviceError::NoDevice(_) => {
                Self::not_found(text).with_hint("`openclaw devices list` shows them")
            }
            DeviceError::NotApproved(_) => {
                Self::conflict(text).with_hint("it has to connect and be approved again")
            }
            DeviceError::Lacks(_) => Self::new(ErrorKind::Forbidden, text)
                .with_hint("use a credential that has every scope the device asks for"),
            DeviceError::MayMore(_) => Self::new(ErrorKind::Forbidden, text)
                .with_hint("use a credential that has every scope the device has"),
            DeviceError::NotApprovedFor(_) => Self::invalid_params("scopes", text)
                .with_hint("the device has to ask for it and be approved"),
            DeviceError::Contended => Self::new(ErrorKind::Overloaded, text),
            DeviceError::Unreadable(_, source) => Self::internal(text).with_source(source),
            DeviceError::Storage(source) => source.into(),
        }
    }
}
