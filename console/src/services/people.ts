// People across recordings: who a voice belongs to, and every change of that, which can be undone.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type Person = components['schemas']['Person'];
export type PersonList = components['schemas']['PersonList'];
export type PersonState = components['schemas']['PersonState'];
export type PersonChange = components['schemas']['PersonChange'];
export type Profile = components['schemas']['PersonProfile'];
export type Appearance = components['schemas']['Appearance'];
export type Clip = components['schemas']['Clip'];
export type Consent = components['schemas']['Consent'];
export type IdentityReply = components['schemas']['IdentityReply'];
export type IdentityEvent = Omit<components['schemas']['IdentityEvent'], 'evidence'> & {
  evidence: Readonly<Record<string, unknown>>;
};
export type IdentityEventList = Pick<components['schemas']['IdentityEventList'], 'page'> & {
  items: readonly IdentityEvent[];
};
export type ErasureProof = components['schemas']['ErasureProof'];
/** Somebody known, or the name of somebody new. */
export type Who = components['schemas']['Assignment'];

export interface PeopleParameters {
  q?: string;
  state?: PersonState;
  limit?: number;
  offset?: number;
}

export const MAY_CHANGE = 'write:people';
export const MAY_ERASE = 'delete:people';

export const peopleQuery = (parameters: PeopleParameters) =>
  queryOptions({
    queryKey: ['people', parameters],
    queryFn: ({ signal }) =>
      request<PersonList>('GET', '/people', { query: { ...parameters }, signal }),
    placeholderData: keepPreviousData,
  });

export const personQuery = (personId: string) =>
  queryOptions({
    queryKey: ['person', personId],
    queryFn: ({ signal }) => request<Profile>('GET', `/people/${personId}`, { signal }),
  });

export const personEventsQuery = (personId: string, offset: number, limit: number) =>
  queryOptions({
    queryKey: ['events', personId, offset, limit],
    queryFn: ({ signal }) =>
      request<IdentityEventList>('GET', `/people/${personId}/events`, {
        query: { offset, limit },
        signal,
      }),
    placeholderData: keepPreviousData,
  });

const post = (path: string, body?: unknown) =>
  request<IdentityReply>('POST', path, body === undefined ? {} : { body });

export const changePerson = (personId: string, change: PersonChange) =>
  request<IdentityReply>('PATCH', `/people/${personId}`, { body: change });

/** This person is that one: all of it goes over to `into`. */
export const mergePerson = (personId: string, into: string) =>
  post(`/people/${personId}/merge`, { into });

export const splitPerson = (personId: string, speakerIds: readonly string[], name?: string) =>
  post(`/people/${personId}/split`, { speaker_ids: speakerIds, ...(name && { name }) });

export const assignSpeaker = (speakerId: string, who: Who) =>
  post(`/speakers/${speakerId}/assign`, who);

export const rejectSpeaker = (speakerId: string, personId: string) =>
  post(`/speakers/${speakerId}/reject`, { person_id: personId });

/** Takes events back, the last of them first. */
export async function undoEvents(eventIds: readonly string[]): Promise<void> {
  for (const id of eventIds.toReversed()) await post(`/identity-events/${id}/undo`);
}

export const erasePerson = (personId: string) =>
  request<ErasureProof>('DELETE', `/people/${personId}`);

/** What to call somebody whom nobody has named: stable, and short enough to tell apart. */
export const personName = ({ name, person_id }: Pick<Person, 'name' | 'person_id'>) =>
  name ?? `Unknown voice ${person_id.slice(-4)}`;
