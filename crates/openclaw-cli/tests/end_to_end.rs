//! The program as people run it: a gateway process on a state folder of its own, with a model server
//! and a Telegram service that are driven from here.

mod kill;
mod rpc_table;
mod support;
mod telegram;
mod turns;
