Feature: Warm pools
  Runners that are there before the job is, each used once all the same, and one more for each that a job took.

  Background:
    Given a runner class "linux" with the labels "self-hosted, linux, x64"
    And the private repository "octo-org/example"
    And a pool of 2 runners for "octo-org/example"
    And the pool's runners wait for jobs

  Scenario: Ten jobs arrive one by one
    When 10 jobs are queued one after the other's end with the labels "self-hosted, linux"
    Then every job succeeds
    And each job had a runner of its own
    And each of these runners was one of the pool's
    And Nomad got 12 dispatches in the end
    And 2 runners wait for jobs, and no other is registered

  Scenario: More jobs than the pool has runners
    When 3 jobs are queued with the labels "self-hosted, linux"
    Then every job succeeds
    And each job had a runner of its own
    And 2 runners wait for jobs, and no other is registered
    And at least 2 of the jobs were taken by the pool's runners
