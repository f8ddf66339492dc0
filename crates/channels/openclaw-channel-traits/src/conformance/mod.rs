//! What every channel must pass, against a strict fake of its service.
//!
//! A channel's tests implement [`ServiceDriver`] for the fake and name the groups that apply:
//!
//! ```ignore
//! async fn driver() -> FakeTelegram { … }
//! openclaw_channel_traits::channel_conformance!(driver, inbound, outbound, lifecycle);
//! ```
//!
//! Each case is a public function that panics with what is wrong, so that it can be called alone.
//! Cases run in real time, because real sockets do.

mod doubles;
mod driver;
pub mod inbound;
pub mod lifecycle;
pub mod outbound;
mod running;

pub use driver::{Arrived, Credential, Failure, Push, Pushed, ServiceDriver};

/// Makes one test per case of the named groups.
///
/// `$driver` is the name of an async function without parameters, in the same module, that makes a
/// [`ServiceDriver`]. `group: [case, …]` takes single cases, for a channel without a service of its
/// own.
#[macro_export]
macro_rules! channel_conformance {
    ($driver:ident, $group:ident: [$($case:ident),+ $(,)?]) => {
        $crate::channel_conformance!(@cases $driver, $group, $($case),+);
    };
    ($driver:ident, $($group:ident),+ $(,)?) => {
        $($crate::channel_conformance!(@group $driver, $group);)+
    };
    (@group $driver:ident, inbound) => {
        $crate::channel_conformance!(@cases $driver, inbound,
            direct_messages_arrive_once_and_in_order,
            group_messages_say_whether_the_assistant_is_meant,
            edits_name_the_message_they_change,
            busy_is_handed_in_again_in_order,
            duplicates_are_acknowledged,
            nothing_is_acknowledged_before_it_is_accepted,
        );
    };
    (@group $driver:ident, outbound) => {
        $crate::channel_conformance!(@cases $driver, outbound,
            text_arrives_as_it_is_shown,
            text_of_the_longest_length_arrives,
            edits_work_as_described,
            deletes_work_as_described,
            reactions_work_as_described,
            polls_work_as_described,
            typing_works_as_described,
            retry_after_is_told,
            a_service_that_is_down_is_not_a_refusal,
            blocked_is_told,
            too_large_is_told,
            a_refused_credential_is_told,
            refusals_are_told,
            an_undecodable_success_is_unknown,
            a_cut_answer_is_unknown,
            a_hung_service_ends_in_unknown,
            the_account_is_looked_up,
        );
    };
    (@group $driver:ident, lifecycle) => {
        $crate::channel_conformance!(@cases $driver, lifecycle,
            cancelling_ends_the_run_and_its_tasks,
            a_channel_runs_again_after_it_ended,
            a_refused_credential_ends_the_run,
            secrets_are_not_in_debug_output,
            the_descriptor_is_consistent,
        );
    };
    (@cases $driver:ident, $group:ident, $($case:ident),+ $(,)?) => {
        mod $group {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::conformance::$group::$case(&super::$driver().await).await;
                }
            )+
        }
    };
}
