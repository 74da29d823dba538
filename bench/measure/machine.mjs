// What the figures were measured on: none of them means anything without it.
import { cpus, loadavg, release, totalmem } from 'node:os';

export function loadAverage() {
  return loadavg().map((one) => Number(one.toFixed(2)));
}

export async function describeMachine() {
  const processors = cpus();
  return {
    cores: processors.length,
    processor: processors[0]?.model,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}
