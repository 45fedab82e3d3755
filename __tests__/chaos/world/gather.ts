import { createHash } from "node:crypto";
import type { ChildFact, Evidence } from "../evidence";
import { POLICY } from "../plan/settings";
import { readClaim } from "./claims";
import { leftToDo } from "./left-to-do";
import type { World } from "./world";

/** What is known of a run at one moment. The texts that anybody may read are put together at the end only. */
export function gather(world: World, moment: Evidence["moment"]): Evidence {
  const evidence = known(world, moment);
  return moment === "end" ? { ...evidence, left: leftToDo(evidence, 0) } : evidence;
}

function known(world: World, moment: Evidence["moment"]): Evidence {
  const { plan, names, github, worker, observer, forger, transcript } = world;
  const planned = plan.jobs.flatMap((job) => {
    const known = names.job(job.key);
    return known === undefined ? [] : [[known.id, job] as const];
  });
  return {
    policy: POLICY,
    stack: createHash("sha256").update(worker.url).digest("hex").slice(0, 6),
    moment,
    planned: new Map(planned),
    jobs: github.jobs(),
    registered: github.runners(),
    children: childrenOf(world),
    moves: observer.moves,
    grants: observer.grants,
    leases: observer.leases,
    snapshot: observer.snapshot,
    texts: moment === "end" ? transcript.texts : [],
    secrets: moment === "end" ? transcript.secrets() : [],
    forgedJobs: forger.jobs,
    forged: forger.answers,
    left: [],
    lateClaims: transcript.lateClaims,
  };
}

function childrenOf({ nomad, transcript, names }: World): ChildFact[] {
  return nomad.children().map((child) => {
    const { claim } = JSON.parse(child.payload) as { readonly claim: string };
    transcript.secret(`the claim of ${names.ofChild(child)}`, claim);
    const { id, parent, token, meta, status } = child;
    return { id, parent, token, meta, claim: readClaim(claim), alive: status !== "dead" };
  });
}

/** Adds to the transcript all that a run leaves behind for somebody to read, and what must not be in it. */
export async function readEverything(world: World): Promise<void> {
  const { transcript, secrets, github, nomad, observer, worker } = world;
  for (const name of ["webhookSecret", "claimKey", "statusToken", "nomadToken", "accessSecret"] as const) {
    transcript.secret(name, secrets[name], true);
  }
  // Any one of its lines tells it.
  for (const [index, line] of secrets.appPrivateKey.split("\n").entries()) {
    if (line.length > 40 && !line.startsWith("-"))
      transcript.secret(`line ${String(index)} of appPrivateKey`, line, true);
  }
  for (const { id, status, responseBody, requestHeaders } of github.deliveries()) {
    transcript.read(`what GitHub shows of delivery ${String(id)}`, `${status} ${responseBody}`);
    const signature = requestHeaders["X-Hub-Signature-256"] ?? "";
    if (signature !== "")
      transcript.secret(`the signature of delivery ${String(id)}`, signature.slice("sha256=".length));
  }
  for (const event of github.events.all()) {
    if (!event.type.startsWith("delivery.")) transcript.read("GitHub's log", JSON.stringify(event));
  }
  for (const event of nomad.events.all()) transcript.read("Nomad's log", JSON.stringify(event));
  for (const { id, token, meta } of nomad.children()) {
    transcript.read(`what Nomad shows of ${id}`, JSON.stringify([id, token, meta]));
  }
  transcript.read("the ledger", await observer.dump());
  for (const path of ["/status", "/metrics", "/healthz", "/pauses"]) {
    const headers = { Authorization: `Bearer ${secrets.statusToken}` };
    const response = await fetch(`${worker.url}${path}`, { headers });
    transcript.read(path, await response.text());
  }
}
