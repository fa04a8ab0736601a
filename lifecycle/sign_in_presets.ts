/**
 * Sign-in providers that `@deno/kv-oauth` knows by name, with the variables that its presets read.
 * Clerk is left out: not every published version has it.
 */

const CLIENT = ["CLIENT_ID", "CLIENT_SECRET"];

/** What people call it, and the ends of its variables' names; they begin with its own. */
const PRESETS = {
  auth0: { label: "Auth0", ends: ["DOMAIN", ...CLIENT] },
  aws_cognito: { label: "Amazon Cognito", ends: ["DOMAIN", ...CLIENT] },
  azure_ad: { label: "Microsoft", ends: ["TENANT_ID", ...CLIENT] },
  azure_adb2c: { label: "Microsoft", ends: ["DOMAIN", "TENANT_ID", "POLICY", ...CLIENT] },
  discord: { label: "Discord", ends: CLIENT },
  dropbox: { label: "Dropbox", ends: CLIENT },
  facebook: { label: "Facebook", ends: CLIENT },
  github: { label: "GitHub", ends: CLIENT },
  gitlab: { label: "GitLab", ends: CLIENT },
  google: { label: "Google", ends: CLIENT },
  logto: { label: "Logto", ends: ["DOMAIN", ...CLIENT] },
  notion: { label: "Notion", ends: CLIENT },
  okta: { label: "Okta", ends: ["DOMAIN", ...CLIENT] },
  patreon: { label: "Patreon", ends: CLIENT },
  slack: { label: "Slack", ends: CLIENT },
  spotify: { label: "Spotify", ends: CLIENT },
  twitter: { label: "X", ends: CLIENT },
} as const satisfies Record<string, { label: string; ends: readonly string[] }>;

export type SignInPreset = keyof typeof PRESETS;

export const SIGN_IN_PRESETS = Object.keys(PRESETS) as [SignInPreset, ...SignInPreset[]];

export function presetLabel(preset: SignInPreset): string {
  return PRESETS[preset].label;
}

/** `GITHUB_CLIENT_ID`, `GITHUB_CLIENT_SECRET` */
export function presetVariables(preset: SignInPreset): string[] {
  return PRESETS[preset].ends.map((end) => `${preset.toUpperCase()}_${end}`);
}
