// Who speaks in one recording, and who that is.
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type Speaker = components['schemas']['Speaker'];
export type VideoSpeakers = components['schemas']['VideoSpeakers'];
export type Turn = VideoSpeakers['turns'][number];

export const videoSpeakersQuery = (videoId: string) =>
  queryOptions({
    queryKey: ['speakers', videoId],
    queryFn: ({ signal }) =>
      request<VideoSpeakers>('GET', `/videos/${videoId}/speakers`, { signal }),
    staleTime: 60_000,
  });

/** What to show for a speaker: the person's name, else the label. */
export const nameOf = ({ name, label }: Pick<Speaker, 'name' | 'label'>) => name ?? label;

/** A name changed: whatever shows names reads them again. */
export function refreshNames(client: QueryClient): void {
  for (const key of ['speakers', 'people', 'person', 'events', 'search']) {
    void client.invalidateQueries({ queryKey: [key] });
  }
}
