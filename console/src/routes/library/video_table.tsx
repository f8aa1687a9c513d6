import { useQuery } from '@tanstack/react-query';
import { ListState, Notice } from '../../components/list_state';
import { Pager } from '../../components/pager';
import { Segmented } from '../../components/segmented';
import { TextFilter } from '../../components/text_filter';
import { useMay } from '../../components/use_may';
import { oneOf, pageOf, useUrlState } from '../../components/use_url_state';
import { type VideoStatus, videosQuery } from '../../services/videos';
import { VideoRow } from './video_row';

const PAGE_SIZE = 20;
const SORTS = ['-created_at', 'created_at', 'title', '-title'] as const;
const SORT_NAMES = {
  '-created_at': 'Newest first',
  created_at: 'Oldest first',
  title: 'Title, A to Z',
  '-title': 'Title, Z to A',
} as const;
const SHOWN = ['all', 'underway', 'ready', 'failed'] as const;
const STATUSES: Readonly<Record<(typeof SHOWN)[number], readonly VideoStatus[]>> = {
  all: [],
  underway: ['queued', 'processing'],
  ready: ['ready', 'partial'],
  failed: ['failed', 'partial'],
};

export function VideoTable() {
  const [parameters, setUrl] = useUrlState();
  const shown = oneOf(parameters.get('show'), SHOWN);
  const sort = oneOf(parameters.get('sort'), SORTS);
  const title = parameters.get('title') ?? '';
  const page = pageOf(parameters);
  const videos = useQuery(
    videosQuery({
      status: STATUSES[shown],
      ...(title && { q: title }),
      sort,
      limit: PAGE_SIZE,
      offset: (page - 1) * PAGE_SIZE,
    }),
  );
  const mayAdd = useMay('write:uploads');
  const narrowed = shown !== 'all' || title !== '';
  return (
    <section aria-label="Recordings">
      <div className="toolbar">
        <Segmented
          label="Show"
          value={shown}
          choices={[
            { value: 'all', label: 'All' },
            { value: 'underway', label: 'In progress' },
            { value: 'ready', label: 'Searchable' },
            { value: 'failed', label: 'Need attention' },
          ]}
          onChange={(next) => setUrl({ show: next === 'all' ? null : next, page: null })}
        />
        <span className="grow" />
        <TextFilter
          label="Filter by title"
          value={title}
          onChange={(next) => setUrl({ title: next, page: null })}
        />
        <select
          className="select"
          aria-label="Order"
          value={sort}
          onChange={(event) => setUrl({ sort: event.target.value, page: null })}
        >
          {SORTS.map((value) => (
            <option key={value} value={value}>
              {SORT_NAMES[value]}
            </option>
          ))}
        </select>
      </div>
      <ListState
        query={videos}
        rows={8}
        tall
        empty={
          narrowed ? (
            <Notice icon="library" title="No recording is like that">
              <button
                type="button"
                className="button button-plain"
                onClick={() => setUrl({ show: null, title: null, page: null })}
              >
                Show all
              </button>
            </Notice>
          ) : (
            <Notice icon="library" title="No recordings yet">
              {mayAdd
                ? 'Drop files on this page, paste an address above, or follow a feed.'
                : 'They appear here as soon as somebody adds one; your role can read them.'}
            </Notice>
          )
        }
      >
        {({ items, page: { total } }) => (
          <>
            <ul className="videos" aria-busy={videos.isPlaceholderData}>
              {items.map((video) => (
                <VideoRow key={video.video_id} video={video} />
              ))}
            </ul>
            <Pager
              page={page}
              size={PAGE_SIZE}
              total={total}
              onPage={(next) => setUrl({ page: next === 1 ? null : next })}
            />
          </>
        )}
      </ListState>
    </section>
  );
}
