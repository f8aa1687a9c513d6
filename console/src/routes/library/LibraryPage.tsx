import { useEffect } from 'react';
import '../../styles/library.css';
import { Segmented } from '../../components/Segmented';
import { oneOf, useUrlState } from '../../components/useUrlState';
import { AddBox } from './AddBox';
import { Sources } from './Sources';
import { UploadList } from './UploadList';
import { VideoTable } from './VideoTable';

const TABS = ['recordings', 'feeds'] as const;

export default function LibraryPage() {
  const [parameters, setUrl] = useUrlState();
  const tab = oneOf(parameters.get('tab'), TABS);
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
          <AddBox />
          <UploadList />
          <VideoTable />
        </>
      ) : (
        <Sources />
      )}
    </div>
  );
}
