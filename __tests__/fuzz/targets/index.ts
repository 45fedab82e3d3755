import type { Target } from "../engine";
import { claim } from "./claim";
import { dispatch } from "./dispatch";
import { event } from "./event";
import { nomadAnswer } from "./nomad-answer";
import { policy } from "./policy";
import { signature } from "./signature";

/** Whatever reads what comes from outside. */
export const TARGETS: readonly Target[] = [signature, event, claim, policy, nomadAnswer, dispatch];
