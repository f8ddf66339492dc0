//! The program as people run it: a gateway process on a state folder of its own, with a model server
//! and a Telegram service that are driven from here.

mod access;
mod commands;
mod faults;
mod hooks;
mod kill;
mod observing;
mod queues;
mod reload;
mod rpc_table;
mod secrets;
mod support;
mod telegram;
mod turns;
mod two_gateways;
