//! The program as people run it: a gateway process on a state folder of its own, with a model server
//! and a Telegram service that are driven from here.

mod access;
mod commands;
mod cron;
mod exec;
mod faults;
mod hooks;
mod keyring;
mod kill;
mod kill_points;
mod mcp;
mod memory;
mod model_failures;
mod models;
mod observing;
mod pi;
mod policies;
mod queues;
mod reload;
mod responses;
mod rpc_table;
mod secrets;
mod session_tools;
mod subagents;
mod support;
mod telegram;
mod telegram_failures;
mod turns;
mod two_gateways;
mod typescript;
mod typescript_config;
