import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import '../../styles/people.css';
import { Icon } from '../../components/icon';
import { ListState, Notice } from '../../components/list_state';
import { Pager } from '../../components/pager';
import { Segmented } from '../../components/segmented';
import { TextFilter } from '../../components/text_filter';
import { Time } from '../../components/time';
import { useKeys } from '../../components/use_keys';
import { oneOf, pageOf, useUrlState } from '../../components/use_url_state';
import { formatCount, formatDuration } from '../../format';
import { type PeopleParameters, type Person, peopleQuery, personName } from '../../services/people';

const PAGE_SIZE = 25;
const SHOWN = ['all', 'named', 'unknown'] as const;
type Shown = (typeof SHOWN)[number];

export default function PeoplePage() {
  const [parameters, setUrl] = useUrlState();
  const [, navigate] = useLocation();
  const shown = oneOf(parameters.get('show'), SHOWN);
  const name = parameters.get('name') ?? '';
  const page = pageOf(parameters);
  const at = Number(parameters.get('sel') ?? -1);
  const narrowed: PeopleParameters = {
    ...(shown !== 'all' && { state: shown }),
    ...(name && { q: name }),
  };
  const people = useQuery(
    peopleQuery({ ...narrowed, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }),
  );
  const named = useCount('named');
  const unknown = useCount('unknown');
  const items = people.data?.items ?? [];
  const selected = items[at];
  useEffect(() => {
    document.title = 'People · Narralytica';
  }, []);
  const select = (index: number) => {
    if (items.length === 0) return;
    setUrl({ sel: Math.max(0, Math.min(items.length - 1, index)) }, { replace: true });
  };
  useKeys({
    j: () => select(at + 1),
    k: () => select(at - 1),
    Enter: () => selected && navigate(`/people/${selected.person_id}`),
    Escape: () => setUrl({ sel: null }, { replace: true }),
  });
  const onName = useCallback(
    (next: string) => setUrl({ name: next, page: null, sel: null }),
    [setUrl],
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>People</h1>
        <Segmented
          label="Show"
          value={shown}
          choices={[
            { value: 'all', label: 'All' },
            { value: 'named', label: withCount('Named', named) },
            {
              value: 'unknown',
              label: withCount('Unknown voices', unknown),
              hint: 'Voices that were heard in several recordings and that nobody has named',
            },
          ]}
          onChange={(next: Shown) =>
            setUrl({ show: next === 'all' ? null : next, page: null, sel: null })
          }
        />
        <span className="grow" />
        <TextFilter label="Filter by name" value={name} onChange={onName} />
      </div>
      <ListState
        query={people}
        rows={8}
        empty={
          <NobodyHere
            shown={shown}
            name={name}
            onAll={() => setUrl({ show: null, name: null, page: null })}
          />
        }
      >
        {({ items: shownPeople, page: { total } }) => (
          <>
            <PeopleTable people={shownPeople} at={at} busy={people.isPlaceholderData} />
            <Pager
              page={page}
              size={PAGE_SIZE}
              total={total}
              onPage={(next) => setUrl({ page: next === 1 ? null : next, sel: null })}
            />
          </>
        )}
      </ListState>
    </div>
  );
}

const useCount = (state: 'named' | 'unknown') =>
  useQuery(peopleQuery({ state, limit: 1 })).data?.page.total;

const withCount = (label: string, count: number | undefined) =>
  count ? `${label} ${formatCount(count)}` : label;

interface PeopleTableProps {
  people: readonly Person[];
  at: number;
  busy: boolean;
}

function PeopleTable({ people, at, busy }: PeopleTableProps) {
  return (
    <div className="table-frame">
      <table className="table people" aria-busy={busy}>
        <thead>
          <tr>
            <th scope="col">Person</th>
            <th scope="col" className="table-number">
              Talk time
            </th>
            <th scope="col" className="table-number">
              Recordings
            </th>
            <th scope="col">Last heard</th>
          </tr>
        </thead>
        <tbody>
          {people.map((person, index) => (
            <PersonRow key={person.person_id} person={person} selected={index === at} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function PersonRow({ person, selected }: { person: Person; selected: boolean }) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (selected) row.current?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  return (
    <tr ref={row} className="person-row" aria-current={selected || undefined}>
      <td className="table-wide">
        <span className="person-cell">
          <Icon name={person.state === 'named' ? 'person' : 'sound'} size={18} />
          <Link href={`/people/${person.person_id}`} className="row-link">
            {personName(person)}
          </Link>
          {person.consent === 'denied' && (
            <span className="badge badge-idle" title="Not looked for in new recordings">
              not recognised
            </span>
          )}
        </span>
      </td>
      <td className="table-number number">
        {person.speech_ms > 0 ? formatDuration(person.speech_ms) : '–'}
      </td>
      <td className="table-number number">
        {formatCount(person.videos_count)}
        <span className="table-unit muted"> recordings</span>
      </td>
      <td className="muted table-nowrap table-end">
        {person.last_seen_at ? <Time value={person.last_seen_at} /> : 'never'}
      </td>
    </tr>
  );
}

interface NobodyProps {
  shown: Shown;
  name: string;
  onAll: () => void;
}

function NobodyHere({ shown, name, onAll }: NobodyProps) {
  if (name || shown !== 'all') {
    return (
      <Notice
        icon="people"
        title={name ? `Nobody is called “${name}”` : NOBODY[shown]}
        action={
          <button type="button" className="button button-plain" onClick={onAll}>
            Show all
          </button>
        }
      >
        {shown === 'unknown' && 'A voice appears here once it is heard in a second recording.'}
      </Notice>
    );
  }
  return (
    <Notice
      icon="people"
      title="Nobody is known yet"
      action={
        <Link href="/library" className="button button-plain">
          Open a recording
        </Link>
      }
    >
      Open a recording and say who its speakers are. Voices that are heard in several recordings
      appear here by themselves.
    </Notice>
  );
}

const NOBODY: Readonly<Record<Shown, string>> = {
  all: 'Nobody is known yet',
  named: 'Nobody is named yet',
  unknown: 'No unknown voice recurs',
};
