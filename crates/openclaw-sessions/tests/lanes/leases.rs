use std::time::Duration;

use openclaw_core::QueueMode;
use openclaw_sessions::Wake;
use openclaw_storage::{Batch, LeaseReads, Storage, Write};

use crate::world::{World, input, key};

const RESOURCE: &str = "lane:agent:main:one";

async fn take(world: &World, owner: &str) -> bool {
    let take = Write::TakeLease {
        resource: RESOURCE.into(),
        owner: owner.into(),
        ttl: Duration::from_secs(15),
    };
    world.storage.apply(Batch::new().with(take)).await.is_ok()
}

#[test]
fn a_lease_is_renewed_while_the_lane_lives_and_given_back_after() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(5_000).await;
        life.say(input("m1", "slow")).await;
        life.say(input("m2", "slow")).await;
        life.pass(22_000).await;
        assert!(!take(&world, "other").await, "after 27 s it is still held");
        life.ended("m2").await;
        life.pass(61_000).await;
        assert!(take(&world, "other").await);
    });
}

#[test]
fn a_lane_waits_for_another_gateways_lease_to_run_out() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        assert!(take(&world, "other").await);
        life.say(input("m0", "m0")).await;
        life.pass(14_000).await;
        assert_eq!(world.end_of("m0").await.0, "waiting");
        life.ended("m0").await;
        assert_eq!(world.end_of("m0").await.0, "answered");
        assert_eq!(world.storage.lease(RESOURCE).await.expect("reads").expect("one").owner, "g");
    });
}

#[test]
fn a_gateway_that_lost_its_lease_writes_nothing_and_the_other_answers_once() {
    let mut world = World::new(QueueMode::Queue);
    // It stalls: its leases are not renewed in time.
    world.limits.lease_ttl = Duration::from_secs(1);
    world.limits.lease_renewal = Duration::from_secs(1_000);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(5_000).await;
        assert!(take(&world, "other").await);
        life.pass(6_000).await;
        assert_eq!(world.end_of("m0").await, ("running", "running", None));
        assert!(world.texts().await.is_empty());
        assert!(life.lanes.active_runs().is_empty());
        assert_eq!(world.delivery.finished(), 1);
    });
    world.live_as("other", async |life| {
        life.ended("m0").await;
        assert_eq!(world.texts().await, ["re: slow"]);
    });
}

#[test]
fn a_lane_stands_by_until_the_other_gateways_lease_is_over() {
    let mut world = World::new(QueueMode::Queue);
    world.limits.lease_ttl = Duration::from_secs(1);
    world.limits.lease_renewal = Duration::from_secs(1_000);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(5_000).await;
        assert!(take(&world, "other").await);
        life.say(input("m1", "m1")).await;
        life.lanes.wake(&key("one"), Wake::Input);
        // The other gateway dies; its lease runs out.
        life.ended("m1").await;
        assert_eq!(world.texts().await, ["re: slow", "re: m1"]);
    });
}
