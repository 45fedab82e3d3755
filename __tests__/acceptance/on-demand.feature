Feature: Runners on demand
  A runner exists because a workflow job waits for one, and no longer than that job needs it.

  Background:
    Given a runner class "linux" with the labels "self-hosted, linux, x64"
    And the private repository "octo-org/example"

  Scenario: No job waits
    When the cron fires
    Then no runner was asked for
    And nothing is left

  Scenario: A job waits
    When a job is queued with the labels "self-hosted, linux"
    Then every job succeeds
    And Nomad got 1 dispatch
    And 1 runner was registered
    And the ledger has every job as "completed"

  Scenario: Scale to zero
    When 3 jobs are queued with the labels "self-hosted, linux"
    Then every job succeeds
    And each job had a runner of its own
    And nothing is left
    When the cron fires
    Then Nomad got 3 dispatches
    And nothing is left

  Scenario: A runner is used once and then deregistered
    Given a cluster with room for 1 runner
    When 2 jobs are queued with the labels "self-hosted"
    Then every job succeeds
    And each job had a runner of its own
    And 2 runners were registered, never more than 1 at a time
    And nothing is left

  Scenario: A job is cancelled while it waits
    Given a cluster with room for 0 runners
    When a job is queued with the labels "self-hosted, linux"
    And Nomad has the dispatch waiting for room
    And the job is cancelled
    And the cluster gets room for 1 runner
    Then the runner is told that nothing waits, and leaves
    And 0 runners were registered
    And nothing is left

  Scenario: A job is cancelled before Nomad could be asked
    Given Nomad is down
    When a job is queued with the labels "self-hosted, linux"
    And the job is cancelled
    And the cron fires
    Then the ledger has no runner on its way
    When Nomad is up again
    And the cron fires
    Then Nomad got 0 dispatches
    And 0 runners were registered
    And nothing is left
