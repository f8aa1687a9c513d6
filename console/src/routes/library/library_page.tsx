import { useEffect } from 'react';
import '../../styles/library.css';
import { Segmented } from '../../components/segmented';
import { useMay } from '../../components/use_may';
import { oneOf, useUrlState } from '../../components/use_url_state';
import { AddBox } from './add_box';
import { Sources } from './sources';
import { UploadList } from './upload_list';
import { VideoTable } from './video_table';

const TABS = ['recordings', 'feeds'] as const;

export default function LibraryPage() {
  const [parameters, setUrl] = useUrlState();
  const tab = oneOf(parameters.get('tab'), TABS);
  const mayAdd = useMay('write:uploads');
  useEffect(() => {
    document.title = 'Library · Narralytica';
  }, []);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Library</h1>
        <Segmented
          label="Show"
          value={tab}
          choices={[
            { value: 'recordings', label: 'Recordings' },
            { value: 'feeds', label: 'Feeds and folders' },
          ]}
          onChange={(next) => setUrl({ tab: next === 'recordings' ? null : next, page: null })}
        />
      </div>
      {tab === 'recordings' ? (
        <>
          {mayAdd && <AddBox />}
          <UploadList />
          <VideoTable />
        </>
      ) : (
        <Sources />
      )}
    </div>
  );
}
