Feature: Labels decide
  A job that asks for a self-hosted runner, by labels that a runner class offers, gets one made from its delivery.

  Background:
    Given a runner class "linux" with the labels "self-hosted, linux, x64"
    And the private repository "octo-org/example"

  Scenario Outline: A job with the labels <labels> gets a runner
    When a job is queued with the labels "<labels>"
    Then the delivery is answered 202
    And every job succeeds
    And Nomad got 1 dispatch
    And nothing is left

    Examples:
      | labels                  |
      | self-hosted             |
      | X64, Self-Hosted, Linux |

  Scenario: The runner is built from the delivery
    When the job "build the docs" is queued with the labels "self-hosted, linux"
    Then every job succeeds
    And the dispatch is of the Nomad job "github-runner-linux"
    And the dispatch has the meta
      | key            | value            |
      | REPO_FULL_NAME | octo-org/example |
      | REPO_SHORT_NAME | example         |
      | WORKFLOW_RUN   | the run's id     |
      | WORKFLOW_JOB   | the job's id     |
    And the dispatch has the payload
      | key    | value            |
      | repo   | octo-org/example |
      | fork   | no               |
      | job    | build the docs   |
      | run_id | the run's id     |
      | job_id | the job's id     |
    And the runner is named after the class, the job's id and the ordinal 1
    And the runner has the labels "self-hosted, linux, x64"
    And nothing is left

  Scenario Outline: A job with the labels <labels> gets none
    When a job is queued with the labels "<labels>"
    Then the delivery is answered 200, ignored for "<reason>"
    And no runner was asked for
    And the ledger knows no job

    Examples:
      | labels           | reason               |
      | ubuntu-latest    | no_self_hosted_label |
      | linux, x64       | no_self_hosted_label |
      | self-hosted, gpu | no_class_fits        |
