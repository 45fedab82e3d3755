import type { Invariant } from "../evidence";
import { consistency } from "./consistency";
import { neverBack } from "./never-back";
import { noneIdle } from "./none-idle";
import { oneDispatch } from "./one-dispatch";
import { refusals } from "./refusals";
import { secrecy } from "./secrecy";
import { served } from "./served";

/** Everything that must hold, by its number. */
export const INVARIANTS: readonly Invariant[] = [
  served,
  oneDispatch,
  noneIdle,
  neverBack,
  secrecy,
  consistency,
  refusals,
];
