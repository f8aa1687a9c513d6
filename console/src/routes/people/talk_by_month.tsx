import { formatCount, formatDuration } from '../../format';
import type { Profile } from '../../services/people';

type Month = Profile['talk_by_month'][number];

const GAP_MONTHS_MAX = 24; // a longer silence is one line

const monthIndex = (month: string) => {
  const [year = '0', number = '1'] = month.split('-');
  return Number(year) * 12 + Number(number) - 1;
};

const monthAt = (index: number) =>
  `${String(Math.floor(index / 12)).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}`;

/** With the silent months in between, so that a bar's place says when it was. Oldest first. */
export function fillMonths(months: readonly Month[]): Month[] {
  const ordered = months.toSorted((a, b) => monthIndex(a.month) - monthIndex(b.month));
  const filled: Month[] = [];
  for (const month of ordered) {
    const last = filled.at(-1);
    const from = last ? monthIndex(last.month) + 1 : monthIndex(month.month);
    const to = monthIndex(month.month);
    if (to - from <= GAP_MONTHS_MAX) {
      for (let silent = from; silent < to; silent += 1) {
        filled.push({ month: monthAt(silent), speech_ms: 0, videos_count: 0 });
      }
    }
    filled.push(month);
  }
  return filled;
}

export function formatMonth(month: string): string {
  const date = new Date(`${month}-01T00:00:00Z`);
  return Number.isNaN(date.getTime())
    ? month
    : date.toLocaleDateString('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' });
}

/** A table whose bars show what its numbers say. */
export function TalkByMonth({ months }: { months: readonly Month[] }) {
  const filled = fillMonths(months);
  const most = Math.max(1, ...filled.map(({ speech_ms }) => speech_ms));
  return (
    <section aria-labelledby="months">
      <h2 id="months">Talk time by month</h2>
      {filled.length === 0 ? (
        <p className="muted">Nothing yet.</p>
      ) : (
        <table className="table months">
          <thead>
            <tr>
              <th scope="col">Month</th>
              <th scope="col">
                <span className="visually-hidden">Share of the longest month</span>
              </th>
              <th scope="col" className="table-number">
                Talk time
              </th>
              <th scope="col" className="table-number">
                Recordings
              </th>
            </tr>
          </thead>
          <tbody>
            {filled.map(({ month, speech_ms, videos_count }) => (
              <tr key={month}>
                <th scope="row">{formatMonth(month)}</th>
                <td className="months-bar" aria-hidden="true">
                  <span style={{ width: `${(speech_ms / most) * 100}%` }} />
                </td>
                <td className="table-number number">
                  {speech_ms === 0 ? '–' : formatDuration(speech_ms)}
                </td>
                <td className="table-number number">{formatCount(videos_count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
