import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../components/button';
import { ListState } from '../../components/list_state';
import { Pager } from '../../components/pager';
import { Time } from '../../components/time';
import { useUndo } from '../../components/use_identity_action';
import { useMay } from '../../components/use_may';
import { plural } from '../../format';
import {
  type Appearance,
  type IdentityEvent,
  MAY_CHANGE,
  type Person,
  personEventsQuery,
} from '../../services/people';

const PAGE_SIZE = 10;

interface HistoryProps {
  person: Person;
  appearances: readonly Appearance[];
}

/** Everything that was done to this identity, each with the way to take it back. */
export function History({ person, appearances }: HistoryProps) {
  const [page, setPage] = useState(1);
  const { person_id: id } = person;
  const events = useQuery(personEventsQuery(id, (page - 1) * PAGE_SIZE, PAGE_SIZE));
  const undo = useUndo();
  const mayChange = useMay(MAY_CHANGE);
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <ListState query={events} rows={3} empty={<p className="muted">Nothing was done yet.</p>}>
        {({ items, page: { total } }) => (
          <>
            <ol className="events">
              {items.map((event) => (
                <li key={event.event_id} className="event">
                  <span className="grow">
                    <span className={event.undone_by ? 'event-undone' : undefined}>
                      {describeEvent(event, id, appearances)}
                    </span>
                    <span className="table-note muted">
                      <Time value={event.created_at} />, {actorOf(event)}
                      {event.undone_by && ', undone'}
                    </span>
                  </span>
                  {mayChange && event.can_undo && (
                    <Button
                      look="quiet"
                      icon="undo"
                      disabled={undo.isPending}
                      aria-label={`Undo: ${describeEvent(event, id, appearances)}`}
                      onClick={() => undo.mutate([event.event_id])}
                    >
                      Undo
                    </Button>
                  )}
                </li>
              ))}
            </ol>
            <Pager page={page} size={PAGE_SIZE} total={total} onPage={setPage} />
          </>
        )}
      </ListState>
    </section>
  );
}

const actorOf = ({ actor }: IdentityEvent) =>
  actor === 'matching' ? 'by comparing voices' : `by ${actor}`;

const textOf = (value: unknown) => (typeof value === 'string' && value ? value : null);
const quoted = (value: unknown) => (textOf(value) === null ? null : `“${textOf(value)}”`);
const countOf = (value: unknown) =>
  typeof value === 'number' ? plural(value, 'voice was', 'voices were') : null;

const UNDONE: Readonly<Record<string, string>> = {
  assign: 'That a voice is this person was undone',
  create: 'The creation was undone',
  rename: 'A renaming was undone',
  merge: 'A merge was undone',
  split: 'A split was undone',
  reject: 'That a voice is somebody else was undone',
  enrol: 'A voiceprint was taken back',
  consent: 'A change of recognition was undone',
  undo: 'An undo was undone',
};

/** One event in words; `personId` is whose history it is. */
export function describeEvent(
  event: Pick<
    IdentityEvent,
    'kind' | 'person_id' | 'other_person_id' | 'speaker_id' | 'evidence' | 'actor'
  >,
  personId: string,
  appearances: readonly Pick<Appearance, 'speaker_id' | 'label' | 'title'>[],
): string {
  const known = appearances.find(({ speaker_id }) => speaker_id === event.speaker_id);
  const voice = known ? `${known.label} of “${known.title}”` : 'A voice';
  const { evidence } = event;
  const { score } = evidence;
  const toThis = event.person_id === personId;
  switch (event.kind) {
    case 'assign': {
      const how = typeof score === 'number' ? ` (likeness ${score.toFixed(2)})` : '';
      if (!toThis) return `${voice} went to somebody else${how}`;
      return event.actor === 'matching'
        ? `${voice} was recognised${how}`
        : `${voice} was said to be this person`;
    }
    case 'create':
      return 'The person was created';
    case 'rename': {
      const [from, to] = [quoted(evidence.from), quoted(evidence.to)];
      return `Renamed${from ? ` from ${from}` : ''}${to ? ` to ${to}` : ''}`;
    }
    case 'merge':
      return toThis ? 'Somebody was merged into this person' : 'Merged into somebody else';
    case 'split':
      return toThis
        ? `${countOf(evidence.speakers) ?? 'Some voices were'} split out`
        : 'Split out of somebody else';
    case 'reject':
      return `${voice} was said not to be this person`;
    case 'enrol':
      return 'A voiceprint was added';
    case 'consent': {
      const to = quoted(evidence.to);
      return `Recognition by voice was set${to ? ` to ${to}` : ''}`;
    }
    case 'undo':
      return UNDONE[textOf(evidence.kind) ?? ''] ?? 'Something was undone';
    case 'erase':
      return 'The person was erased';
  }
}
