interface Rule {
  readonly unit: string;
  readonly default: string | null;
  readonly bounds: string;
  readonly description: string;
}

export function parametersPage(parameters: Readonly<Record<string, Rule>>, live: ReadonlySet<string>): string;
