// People as a stand-in: who a voice belongs to, in memory, with events that can be undone in order.
import type { components } from '../../src/services/api';
import type { IdentityEvent } from '../../src/services/people.ts';
import type { Speaker, Turn, VideoSpeakers } from '../../src/services/speakers.ts';
import { newId, type Recording } from './state.ts';

type Schemas = components['schemas'];
type Person = Schemas['Person'];
type Reply = Schemas['IdentityReply'];

export class Conflict extends Error {}
export class Missing extends Error {}

interface Link {
  person: string;
  how: 'match' | 'person';
  score: number | null;
}

interface Known {
  id: string;
  name: string | null;
  consent: Schemas['Consent'];
  into: string | null; // merged into
}

/** All there is to restore: small enough to keep whole with every event. */
interface Snapshot {
  known: Map<string, Known>;
  links: Map<string, Link>;
}

interface Done {
  event: IdentityEvent;
  before: Snapshot;
}

export class People {
  #known = new Map<string, Known>();
  #links = new Map<string, Link>();
  #done: Done[] = [];
  #recordings: Map<string, Recording>;

  constructor(recordings: Map<string, Recording>) {
    this.#recordings = recordings;
  }

  speakersOf({ video, transcript, script }: Recording): VideoSpeakers {
    const failed = video.stages.some(
      ({ type, status }) => type === 'diarize' && status === 'failed',
    );
    if (!transcript || failed) return { diarization: null, speakers: [], turns: [] };
    const turns = script.segments.flatMap(({ speaker_id, start_ms, end_ms }): Turn[] =>
      speaker_id === null ? [] : [{ speaker_id, start_ms, end_ms, confidence: 0.93 }],
    );
    const ids = [...new Set(turns.map(({ speaker_id }) => speaker_id))];
    const speakers = ids.map((speaker_id, index): Speaker => {
      const person = this.#links.get(speaker_id)?.person ?? null;
      const own = turns.filter((turn) => turn.speaker_id === speaker_id);
      return {
        speaker_id,
        video_id: video.video_id,
        label: `Speaker ${index + 1}`,
        name: (person && this.#known.get(person)?.name) ?? null,
        person_id: person,
        language: null,
        metadata: {},
        speech_ms: own.reduce((sum, { start_ms, end_ms }) => sum + end_ms - start_ms, 0),
        turns_count: own.length,
        created_at: video.created_at,
      };
    });
    const diarization = {
      version: 1,
      model: 'community-1',
      model_hash: '2c26b46b68ffc68f',
      settings_hash: 'fcde2b2edba56bf4',
      created_at: video.created_at,
    };
    return { diarization, speakers, turns: turns.toSorted((a, b) => a.start_ms - b.start_ms) };
  }

  /** The same words elsewhere are the same voices, in their order. */
  recognise(recording: Recording): void {
    const other = [...this.#recordings.values()].find(
      ({ transcript, video }) =>
        transcript?.text === recording.transcript?.text && video !== recording.video,
    );
    if (!other) return;
    const before = this.speakersOf(other).speakers;
    for (const [index, speaker] of this.speakersOf(recording).speakers.entries()) {
      const known = before[index];
      if (!known) continue;
      const link: Partial<Link> = { how: 'match', score: 0.83 };
      const person_id = known.person_id ?? this.create(null).person?.person_id ?? '';
      if (!known.person_id) this.assign(known.speaker_id, { person_id }, link);
      this.assign(speaker.speaker_id, { person_id }, link);
    }
  }

  /** What a search hit says of its speaker. */
  nameOf(recording: Recording, speakerId: string | null): Schemas['SearchHit']['speaker'] {
    const found = this.speakersOf(recording).speakers.find((s) => s.speaker_id === speakerId);
    return found ? { speaker_id: found.speaker_id, name: found.name ?? found.label } : null;
  }

  list(q: string, state: string | null): Person[] {
    return [...this.#known.values()]
      .filter(({ into }) => into === null)
      .map(({ id }) => this.person(id))
      .filter((person) => !state || person.state === state)
      .filter(({ name }) => !q || name?.toLowerCase().includes(q.toLowerCase()));
  }

  #resolve(id: string): Known {
    const known = this.#known.get(id);
    if (!known) throw new Missing();
    return known.into === null ? known : this.#resolve(known.into);
  }

  #voicesOf(personId: string) {
    return [...this.#recordings.values()].flatMap((recording) =>
      this.speakersOf(recording)
        .speakers.filter(({ person_id }) => person_id === personId)
        .map((speaker) => ({ recording, speaker })),
    );
  }

  person(wanted: string): Person {
    const { id, name, consent } = this.#resolve(wanted);
    const voices = this.#voicesOf(id);
    const times = voices.map(({ recording }) => recording.video.created_at).sort();
    return {
      person_id: id,
      name,
      state: name === null ? 'unknown' : 'named',
      consent,
      videos_count: new Set(voices.map(({ speaker }) => speaker.video_id)).size,
      speakers_count: voices.length,
      voiceprints_count: voices.length,
      speech_ms: voices.reduce((sum, { speaker }) => sum + speaker.speech_ms, 0),
      first_seen_at: times[0] ?? null,
      last_seen_at: times.at(-1) ?? null,
      revision: 1 + this.#done.filter(({ event }) => event.person_id === id).length,
      created_at: times[0] ?? new Date().toISOString(),
      updated_at: new Date().toISOString(),
    };
  }

  profile(wanted: string): Schemas['PersonProfile'] {
    const person = this.person(wanted);
    const voices = this.#voicesOf(person.person_id);
    const months = new Map<string, { speech_ms: number; videos_count: number }>();
    const others = new Map<string, { videos_count: number; shared_ms: number }>();
    for (const { recording, speaker } of voices) {
      const month = recording.video.created_at.slice(0, 7);
      const known = months.get(month) ?? { speech_ms: 0, videos_count: 0 };
      months.set(month, {
        speech_ms: known.speech_ms + speaker.speech_ms,
        videos_count: known.videos_count + 1,
      });
      for (const other of this.speakersOf(recording).speakers) {
        if (!other.person_id || other.person_id === person.person_id) continue;
        const shared = others.get(other.person_id) ?? { videos_count: 0, shared_ms: 0 };
        others.set(other.person_id, {
          videos_count: shared.videos_count + 1,
          shared_ms: shared.shared_ms + speaker.speech_ms + other.speech_ms,
        });
      }
    }
    return {
      person,
      appearances: voices.map(({ recording, speaker }) => ({
        video_id: speaker.video_id,
        title: recording.video.title,
        published_at: recording.video.published_at,
        speaker_id: speaker.speaker_id,
        label: speaker.label,
        speech_ms: speaker.speech_ms,
        how: this.#links.get(speaker.speaker_id)?.how ?? 'match',
        score: this.#links.get(speaker.speaker_id)?.score ?? null,
        evidence: this.speakersOf(recording)
          .turns.filter(({ speaker_id }) => speaker_id === speaker.speaker_id)
          .toSorted((a, b) => b.end_ms - b.start_ms - (a.end_ms - a.start_ms))
          .slice(0, 3)
          .map(({ start_ms, end_ms }) => ({ video_id: speaker.video_id, start_ms, end_ms })),
      })),
      talk_by_month: [...months].map(([month, talk]) => ({ month, ...talk })),
      speaks_with: [...others].map(([person_id, shared]) => ({
        person_id,
        name: this.#known.get(person_id)?.name ?? null,
        ...shared,
      })),
    };
  }

  events(wanted: string): IdentityEvent[] {
    const { id } = this.#resolve(wanted);
    return this.#done
      .map(({ event }) => event)
      .filter((event) => event.person_id === id || event.other_person_id === id)
      .toReversed();
  }

  #change(
    event: Pick<IdentityEvent, 'kind' | 'person_id'> & Partial<IdentityEvent>,
    change: () => void,
  ): string {
    const before = {
      known: new Map([...this.#known].map(([id, known]) => [id, { ...known }])),
      links: new Map(this.#links),
    };
    change();
    const event_id = newId();
    this.#done.push({
      before,
      event: {
        event_id,
        other_person_id: null,
        speaker_id: null,
        actor: 'development',
        evidence: {},
        created_at: new Date().toISOString(),
        undone_by: null,
        can_undo: true,
        ...event,
      },
    });
    return event_id;
  }

  #reply(personId: string | null, ...eventIds: string[]): Reply {
    return {
      event_ids: eventIds,
      person: personId && this.#known.has(personId) ? this.person(personId) : null,
      video_ids: [],
    };
  }

  create(name: string | null): Reply {
    const id = newId();
    const event = this.#change({ kind: 'create', person_id: id }, () => {
      this.#known.set(id, { id, name, consent: 'unknown', into: null });
    });
    return this.#reply(id, event);
  }

  assign(speakerId: string, who: Schemas['Assignment'], link?: Partial<Link>): Reply {
    const created = 'name' in who ? this.create(who.name) : null;
    const personId = 'name' in who ? (created?.person?.person_id ?? '') : who.person_id;
    this.#resolve(personId);
    const { actor, evidence } = link?.how
      ? { actor: 'matching', evidence: { score: link.score } }
      : { actor: 'development', evidence: {} };
    const event = this.#change(
      { kind: 'assign', person_id: personId, speaker_id: speakerId, actor, evidence },
      () => this.#links.set(speakerId, { how: 'person', score: null, ...link, person: personId }),
    );
    return this.#reply(personId, ...(created?.event_ids ?? []), event);
  }

  reject(speakerId: string, personId: string): Reply {
    const event = this.#change(
      { kind: 'reject', person_id: personId, speaker_id: speakerId },
      () => this.#links.get(speakerId)?.person === personId && this.#links.delete(speakerId),
    );
    return this.#reply(personId, event);
  }

  change(wanted: string, { name, consent }: Schemas['PersonChange']): Reply {
    const known = this.#resolve(wanted);
    const events: string[] = [];
    const from = known.name;
    if (name !== undefined) {
      const evidence = { from, to: name };
      events.push(
        this.#change({ kind: 'rename', person_id: known.id, evidence }, () => {
          known.name = name;
        }),
      );
    }
    if (consent !== undefined) {
      const evidence = { from: known.consent, to: consent };
      events.push(
        this.#change({ kind: 'consent', person_id: known.id, evidence }, () => {
          known.consent = consent;
        }),
      );
    }
    return this.#reply(known.id, ...events);
  }

  #move(from: string, to: string, speakerIds: readonly string[] | null): void {
    for (const [speakerId, link] of this.#links) {
      if (link.person !== from || (speakerIds && !speakerIds.includes(speakerId))) continue;
      this.#links.set(speakerId, { ...link, person: to });
    }
  }

  merge(personId: string, into: string): Reply {
    const known = this.#resolve(personId);
    const event = this.#change(
      { kind: 'merge', person_id: into, other_person_id: personId },
      () => {
        known.into = into;
        this.#move(personId, into, null);
      },
    );
    return this.#reply(into, event);
  }

  split(personId: string, speakerIds: readonly string[], name: string | null): Reply {
    const id = newId();
    const event = this.#change({ kind: 'split', person_id: personId, other_person_id: id }, () => {
      this.#known.set(id, { id, name, consent: 'unknown', into: null });
      this.#move(personId, id, speakerIds);
    });
    return this.#reply(id, event);
  }

  undo(eventId: string): Reply {
    const done = this.#done.find(({ event }) => event.event_id === eventId);
    if (!done) throw new Missing();
    const open = this.#done.filter(({ event }) => event.can_undo);
    if (open.at(-1) !== done) throw new Conflict('something later rests on it');
    const { person_id, kind } = done.event;
    const evidence = { of: eventId, kind };
    const undo = this.#change({ kind: 'undo', person_id, evidence }, () => {
      this.#known = done.before.known;
      this.#links = done.before.links;
    });
    const undone = this.#done.at(-1);
    if (undone) undone.event.can_undo = false;
    done.event.can_undo = false;
    done.event.undone_by = undo;
    return this.#reply(person_id, undo);
  }

  erase(wanted: string): Schemas['ErasureProof'] {
    const person = this.person(wanted);
    const voices = this.#voicesOf(person.person_id);
    for (const { speaker } of voices) this.#links.delete(speaker.speaker_id);
    this.#known.delete(person.person_id);
    this.#done = [];
    const removed = (place: string, what: string, found: number) => ({
      place,
      what,
      found,
      removed: found,
      left: 0,
    });
    return {
      person_id: person.person_id,
      erased_at: new Date().toISOString(),
      complete: true,
      places: [
        removed('voiceprints', 'sealed voices', voices.length),
        removed('voice_keys', 'keys to sealed voices', voices.length),
        removed('search_index', 'names', voices.length),
        removed('scratch_folder', 'voices in work', 0),
      ],
      video_ids: [...new Set(voices.map(({ speaker }) => speaker.video_id))],
    };
  }
}
