Feature: Pull requests
  GitHub tells of a pull request's jobs as of all others, by workflow_job; whose code it is decides where strangers can write.

  Background:
    Given a runner class "linux" with the labels "self-hosted, linux, x64"

  Scenario: A pull request in a private repository
    Given the private repository "octo-org/example"
    When a pull request from "octo-org/example" queues a job with the labels "self-hosted, linux"
    Then every job succeeds
    And the job ran for the event "pull_request"
    And GitHub delivered "workflow_job" and nothing else
    And Nomad got 1 dispatch
    And nothing is left

  Scenario: A pull request from a branch of a listed public repository
    Given the public repository "octo-org/tool", listed in the policy
    When a pull request from "octo-org/tool" queues a job with the labels "self-hosted, linux"
    Then every job succeeds
    And the job ran for the event "pull_request"
    And Nomad got 1 dispatch
    And nothing is left

  Scenario: A pull request from a fork of a listed public repository
    Given the public repository "octo-org/tool", listed in the policy
    When a pull request from "stranger/tool" queues a job with the labels "self-hosted, linux"
    Then the delivery is answered 202
    And the ledger has every job as "refused"
    And no runner was asked for
    And nothing is left

  Scenario: A public repository that is not listed
    Given the public repository "octo-org/tool", not listed in the policy
    When a pull request from "octo-org/tool" queues a job with the labels "self-hosted, linux"
    Then the delivery is answered 200, ignored for "public_repository"
    And no runner was asked for
    And the ledger knows no job
