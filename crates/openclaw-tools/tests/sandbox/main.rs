//! The sandbox, from outside, with commands that try to get out of it: the same suite for every engine.
#![cfg(target_os = "linux")]

mod docker;
mod engines;
mod limits;
mod support;
mod walls;
mod way_out;

/// Each case on one engine.
macro_rules! suite {
    ($engine:ident { $($module:ident :: $case:ident),* $(,)? }) => {
        mod $engine {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(bench) = crate::support::Bench::$engine() {
                        crate::$module::$case(&bench).await;
                    }
                }
            )*
        }
    };
}

/// What every engine holds, and what only some do.
macro_rules! suites {
    ($($engine:ident { $($more:tt)* })*) => {
        $(
            suite!($engine {
                walls::a_command_runs_in_the_workspace_and_its_files_belong_to_the_owner,
                walls::s31_the_probe_finds_every_wall_standing,
                walls::s31_what_is_not_its_own_cannot_be_read,
                walls::s31_a_state_folder_inside_the_workspace_stays_hidden,
                walls::s31_nothing_outside_the_workspace_is_written,
                walls::s31_there_is_no_network_but_its_own,
                walls::s31_it_cannot_gain_rights_or_reach_other_processes,
                walls::s29_the_environment_is_built_from_empty,
                walls::s29_descriptors_the_gateway_was_started_with_stay_out,
                walls::granted_paths_are_seen_at_their_own_place,
                walls::s31_a_path_below_what_commands_may_write_is_not_granted,
                walls::s31_what_must_not_be_seen_is_neither_granted_nor_a_workspace,
                walls::a_program_that_is_not_there_is_told,
                walls::a_terminal_is_one_and_input_arrives,
                limits::s34_a_memory_hog_is_ended,
                limits::s34_a_fork_bomb_stays_small_and_leaves_nothing,
                limits::s34_a_command_that_ignores_signals_ends_when_nobody_waits_for_it,
                limits::s34_an_endless_output_can_be_cut_off,
                limits::what_a_command_leaves_behind_ends_with_it,
                $($more)*
            });
        )*
    };
}

mod on {
    suites! {
        namespaces { limits::a_signal_is_told }
        bubblewrap { limits::a_signal_is_told }
        // As process 1 of a container a command does not end by its own signals.
        docker {}
    }
}
