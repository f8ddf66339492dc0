//! The suite that every engine passes.
//!
//! An engine's test file states how a fresh store is opened and expands
//! [`storage_conformance!`](crate::storage_conformance), which makes one test of each case. To add a
//! case: write it in the module of its noun and name it in the macro.

pub mod atomicity;
pub mod concurrency;
mod fixture;
mod image;
pub mod inbox;
pub mod jobs;
pub mod leases;
pub mod log;
pub mod memory;
pub mod outbox;
pub mod people;
pub mod search;
pub mod sessions;
pub mod values;

pub use self::fixture::{
    Fixture, ManualClock, Opened, Recorder, at, channel, chat, entry, external, inbox_id, input,
    message_id, outbox, outbox_id, run, said, session, session_id, session_key, user_id,
};
pub use self::image::{Universe, image};

/// Runs one case to its end; `false` when it panics.
pub async fn passes<C: Future<Output = ()>>(case: impl FnOnce() -> C) -> bool {
    use futures_util::FutureExt as _;
    // Not on the stack, where all cases of the suite would lie side by side.
    let case = Box::pin(case());
    std::panic::AssertUnwindSafe(case).catch_unwind().await.is_ok()
}

/// Makes a test of each case, given `async fn(Arc<dyn Clock>, Arc<dyn CommitObserver>) -> Opened`.
///
/// As `all_in_one name; server; open` it is one test of this name, which runs all cases on one server,
/// given as `&server` to `open` before the others, and names those that failed: for an engine whose
/// server is too dear to start for each case.
#[macro_export]
macro_rules! storage_conformance {
    (@cases $then:ident $($given:tt)*) => {
        $crate::storage_conformance!(@$then $($given)*;
            sessions {
                a_session_is_read_as_it_was_written,
                a_live_key_is_held_by_one_session,
                a_patch_changes_only_what_it_names,
                only_live_sessions_are_updated,
                ending_frees_the_key_and_is_idempotent,
                a_list_is_paged_without_gap_or_double,
                a_list_is_filtered,
                a_search_ignores_case,
                deleting_takes_what_belongs_to_it,
                a_session_with_open_inputs_is_not_deleted,
            }
            log {
                a_message_is_read_as_it_was_written,
                numbers_are_dense_per_session,
                numbers_and_patches_share_a_batch,
                a_batch_may_create_append_and_end,
                appending_needs_a_session_and_a_new_message_id,
                an_ended_session_still_takes_entries,
                history_is_paged_both_ways,
                a_message_is_edited_and_gets_its_external_id,
                an_external_id_finds_the_newest_message,
                the_transcript_tail_is_cut_by_number_and_size,
                the_newest_compaction_is_found_from_the_end,
                the_transcript_of_a_run_is_its_own,
                events_are_replayed_with_their_messages,
            }
            search {
                messages_are_found_by_their_words,
                a_search_is_narrowed_and_paged,
                a_text_of_many_long_words_is_stored,
                a_search_follows_edits_and_deletions,
            }
            memory {
                a_file_is_indexed_and_replaced,
                chunks_are_found_by_their_words,
                vectors_are_kept_by_text_and_model,
                nothing_of_another_agent_is_found,
                sessions_are_indexed_as_they_grow,
            }
            inbox {
                an_input_is_read_as_it_was_written,
                an_event_is_accepted_once,
                a_run_id_is_taken_once,
                an_input_id_is_taken_once,
                an_input_moves_through_its_states,
                what_inputs_used_is_read_from_the_newest_back,
                an_input_moves_only_from_the_states_named,
                a_waiting_input_is_replaced_and_keeps_its_external_id,
                open_inputs_keep_the_order_of_acceptance,
                recent_inputs_show_open_ones_first,
                the_backlog_counts_what_is_open,
            }
            outbox {
                a_row_is_read_as_it_was_written,
                an_idempotency_key_is_taken_once,
                a_row_moves_through_its_states,
                a_row_moves_only_from_the_states_named,
                conversations_keep_their_order,
                a_chat_that_moved_takes_its_unsent_rows_along,
                troubled_rows_are_listed_newest_first,
                the_backlog_counts_trouble,
                the_observer_hears_what_is_due,
            }
            people {
                a_user_keeps_when_it_was_first_seen,
                pairing_goes_from_request_to_approval,
                a_pending_code_is_kept_until_it_expires,
                an_owner_stays_an_owner,
                a_person_is_removed,
                approving_somebody_who_never_asked_is_missing,
            }
            values {
                a_value_is_put_read_and_deleted,
                a_value_is_put_only_over_the_expected_one,
                values_are_listed_by_prefix,
                text_with_nul_is_kept,
            }
            leases {
                a_lease_is_held_until_it_runs_out,
                its_holder_takes_it_again_with_the_next_fence,
                renewing_prolongs_those_of_an_owner,
                a_lease_given_back_is_free_and_its_fence_stays,
                a_fence_holds_until_another_takes_the_lease,
                a_taken_row_names_its_owner,
                what_no_other_gateway_works_on_is_found,
            }
            jobs {
                a_job_is_read_as_it_was_written,
                a_job_is_changed_only_on_its_fence,
                due_jobs_are_found_in_order,
                a_slot_has_one_receipt,
                a_run_ends_once,
                receipts_outlive_their_job_until_they_are_pruned,
                one_of_two_gateways_begins_a_slot,
            }
            atomicity {
                a_conflict_leaves_nothing_of_its_batch,
                a_conflict_is_seen_after_any_write,
                an_empty_batch_is_no_error,
                a_closed_store_says_so,
                the_engine_is_healthy,
            }
            concurrency {
                writers_of_one_session_get_dense_numbers_in_order,
                a_refused_batch_does_not_harm_its_neighbours,
                one_of_many_duplicates_is_accepted,
            }
        );
    };
    (all_in_one $name:ident; $server:expr; $open:ident) => {
        $crate::storage_conformance!(@cases one_test $name $open { $server });
    };
    (@one_test $name:ident $open:ident $server:block; $($module:ident { $($case:ident,)* })*) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let server = $server;
            let mut failed: Vec<&'static str> = Vec::new();
            $($(
                let case = || async {
                    let open = |clock, observer| $open(&server, clock, observer);
                    let fixture = $crate::conformance::Fixture::open(open).await;
                    $crate::conformance::$module::$case(&fixture).await;
                    fixture.storage.close().await;
                };
                if !$crate::conformance::passes(case).await {
                    failed.push(concat!(stringify!($module), "::", stringify!($case)));
                }
            )*)*
            assert!(failed.is_empty(), "{failed:?}");
        }
    };
    ($open:ident) => {
        $crate::storage_conformance!(@cases modules $open);
    };
    (@modules $open:ident; $($module:ident { $($case:ident,)* })*) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = $crate::conformance::Fixture::open(super::$open).await;
                $crate::conformance::$module::$case(&fixture).await;
            })*
        })*
    };
}
