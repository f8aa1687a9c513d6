// The honest line over the results, and what the yellow bar says.
import { formatCount, formatDuration, plural } from '../../format';
import type { SearchLeg, SearchReply } from '../../services/search';

export interface LegNote {
  name: string;
  sign: '✓' | '✗';
  title: string;
}

const LEG_NAMES = { lexical: 'words', vector: 'meaning' } as const;

export function describeCounts({ page }: SearchReply): string {
  const least = page.total_relation === 'gte' ? 'at least ' : '';
  const passages = `${least}${plural(page.total, 'passage')}`;
  if (page.video_total === null || page.total === 0) return passages;
  return `${passages} in ${plural(page.video_total, 'video')}`;
}

/** The legs that were asked for; one that failed has a reason. */
export function describeLegs(legs: readonly SearchLeg[]): LegNote[] {
  const asked = legs.filter(({ ran, reason }) => ran || reason !== null);
  return asked.map((leg) => ({
    name: LEG_NAMES[leg.name],
    sign: leg.ran ? '✓' : '✗',
    title: leg.ran
      ? `${formatCount(leg.candidates)} candidates in ${formatDuration(leg.took_ms)}${
          leg.model ? `, by ${leg.model}` : ''
        }${leg.reason ? `; ${leg.reason}` : ''}`
      : `did not run: ${leg.reason}`,
  }));
}

export function describeFreshness({ index }: SearchReply): string {
  if (index.lag_ms === null) return 'freshness not known';
  if (index.lag_ms < 1000) return 'up to date';
  return `fresh to ${formatDuration(index.lag_ms)} ago`;
}

const CONSEQUENCES = {
  lexical:
    'These passages are near your question in meaning; some with your very words may be missing.',
  vector:
    'These passages contain your words; those that say it in other words are missing for now.',
} as const;

/** null: everything that was asked for ran. */
export function describeDegradation(reply: SearchReply): string | null {
  if (!reply.degraded) return null;
  const leg = reply.legs.find((candidate) => !candidate.ran) ?? reply.legs[0];
  if (!leg) return 'A part of the search did not run.';
  const reason = leg.reason ? `: ${leg.reason}` : '';
  return `Search by ${LEG_NAMES[leg.name]} did not run${reason}. ${CONSEQUENCES[leg.name]}`;
}
