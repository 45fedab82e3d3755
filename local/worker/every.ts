/** Repeats, one at a time; what fails is told and does not end it. */
export function every(
  seconds: number,
  run: () => Promise<void>,
  complain: (line: string) => void,
): { end(): Promise<void> } {
  let running: Promise<void> | null = null;
  const fire = (): void => {
    running ??= run()
      .catch((error: unknown) => {
        complain(String(error));
      })
      .finally(() => {
        running = null;
      });
  };
  const timer = seconds > 0 ? setInterval(fire, seconds * 1000) : undefined;
  return {
    end: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
