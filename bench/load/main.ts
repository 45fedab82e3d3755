import { answering } from "../child";
import { type Driven, type Way, drive } from "./drive";
import { type Plan, requestsOf } from "./requests";

/** What this process is asked for. */
export interface LoadQuestion extends Way {
  readonly plan: Plan;
}

/** Sends requests and measures their answers, in a process of its own: nothing else waits in its event loop. */
answering(({ plan, ...way }: LoadQuestion): Promise<Driven> => drive(way, requestsOf(plan)));
