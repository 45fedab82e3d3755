Feature: Deliveries
  Only what GitHub signed counts, and it counts once, however often it comes.

  Background:
    Given a runner class "linux" with the labels "self-hosted, linux, x64"
    And the private repository "octo-org/example"

  Scenario Outline: A forged delivery, <how>
    When a delivery comes <how>
    Then it is answered 401
    And no runner was asked for
    And the ledger knows no job

    Examples:
      | how                     |
      | signed with another key |
      | changed after signing   |
      | without a signature     |

  Scenario: A delivery that comes again and again
    Given GitHub sends each delivery 3 times
    When a job is queued with the labels "self-hosted, linux"
    And the delivery is sent again
    Then every delivery of the job is answered 202, 4 of them queued
    And every job succeeds
    And nothing is left
    And Nomad got 1 dispatch
    And 1 runner was registered

  Scenario: Two webhooks that tell of the same job
    Given a second webhook, of the owner "octo-org"
    When a job is queued with the labels "self-hosted, linux"
    Then every delivery of the job is answered 202, 2 of them queued
    And every job succeeds
    And nothing is left
    And Nomad got 1 dispatch
    And 1 runner was registered
