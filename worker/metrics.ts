import { type Status, behindSeconds, quantile } from "./status";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | null];

/**
 * The text of `/metrics`; every family is a gauge, and a value that is not known is left out.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function metricsText({ version, view, pools, now, daysLeft }: Status): string {
  const seconds = (since: number | null): number | null => (since === null ? null : (now - since) / 1000);
  const families: Readonly<Record<string, readonly Sample[]>> = {
    build_info: [[{ version }, 1]],
    ...Object.fromEntries(
      (["waiting", "on_the_way", "holders", "busy"] as const).map((key) => [
        key,
        view.loads.map((load): Sample => [{ scope: load.scope, class: load.class }, load[key]]),
      ]),
    ),
    ...Object.fromEntries(
      (["size", "open", "idle", "starting", "busy"] as const).map((key) => [
        `pool_${key}`,
        pools.map((pool): Sample => [{ scope: pool.scope, class: pool.class }, Number(pool[key])]),
      ]),
    ),
    ledger_jobs: each("state", view.jobs),
    ledger_runners: each("state", view.runners),
    queued_to_running_seconds: [0.5, 0.95].map((share): Sample => {
      const ms = quantile(view.startMs, share);
      return [{ quantile: String(share) }, ms === null ? null : ms / 1000];
    }),
    oldest_waiting_seconds: [[{}, seconds(view.oldestWaitingAt)]],
    paused_seconds: view.pauses.map(({ repo, since }): Sample => [{ repo }, seconds(since)]),
    since_sweep_seconds: [[{}, seconds(view.sweptAt)]],
    since_clean_up_seconds: [[{}, seconds(view.cleanUp.passAt)]],
    strays: each("side", { github: view.cleanUp.github, ledger: view.cleanUp.ledger }),
    cleaned_up: each("what", { registrations: view.cleanUp.registrations, runners: view.cleanUp.runners }),
    recovery_repositories: [[{}, view.recovery.repositories]],
    recovery_behind_seconds: [[{}, behindSeconds(view.recovery, now)]],
    recovered_jobs: [[{}, view.recovery.jobs]],
    since_recovery_seconds: [[{}, seconds(view.recovery.passAt)]],
    hooks: each("state", view.redelivery.hooks),
    redeliveries: each("what", {
      pending: view.redelivery.pending,
      asked: view.redelivery.asked,
      given_up: view.redelivery.givenUp,
    }),
    redelivery_round_seconds: [
      [{}, view.redelivery.roundMs === null ? null : view.redelivery.roundMs / 1000],
    ],
    since_redelivery_round_seconds: [[{}, seconds(view.redelivery.roundAt)]],
    problems: view.problems.map(({ source, kind, count }): Sample => [{ source, kind }, count]),
    credential_days_left: each("credential", daysLeft),
  };
  return Object.entries(families).map(family).join("");
}

function each(label: string, values: Readonly<Record<string, number | null>>): Sample[] {
  return Object.entries(values).map(([key, value]) => [{ [label]: key }, value]);
}

function family([name, samples]: readonly [string, readonly Sample[]]): string {
  const known = samples.filter(([, value]) => value !== null);
  const lines = known.map(([labels, value]) => `runners_${name}${render(labels)} ${value}\n`);
  return `# TYPE runners_${name} gauge\n${lines.join("")}`;
}

function render(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escape(value: string): string {
  return value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
}
